package db

import (
	"sync"
	"sync/atomic"

	"latchkey/internal/access"
)

// cacheMax is how many entries one cache keeps before it starts anew.
const cacheMax = 1 << 16

// cache is read-through and exact: an entry is dropped in the commit that changes
// its row, before that change is acknowledged, and never by a timer. Values are
// shared: nobody changes what they point to.
type cache[K comparable, V any] struct {
	mu    sync.RWMutex
	held  map[K]V
	drops atomic.Uint64
}

func newCache[K comparable, V any]() *cache[K, V] { return &cache[K, V]{held: map[K]V{}} }

// get returns the entry, loading it where it is missing. What was read before a
// drop is returned but not kept: it may be of the time before the change.
func (c *cache[K, V]) get(key K, load func() (V, error)) (V, error) {
	c.mu.RLock()
	v, ok := c.held[key]
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	before := c.drops.Load()
	v, err := load()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops.Load() == before {
		if len(c.held) >= cacheMax {
			clear(c.held)
		}
		c.held[key] = v
	}
	return v, nil
}

func (c *cache[K, V]) drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops.Add(1)
	delete(c.held, key)
}

func (c *cache[K, V]) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops.Add(1)
	clear(c.held)
}

// caches holds what a gateway call looks up before it may be admitted.
type caches struct {
	secrets    *cache[[32]byte, Secret]
	tokens     *cache[int64, access.Token]
	workspaces *cache[int64, access.Workspace]
	bots       *cache[int64, access.Bot]
	shares     *cache[int64, access.Share]
	customers  *cache[int64, access.Customer]
	providers  *cache[int64, []access.Provider] // by workspace
	groups     *cache[string, access.Group]
	prices     *cache[string, access.Price]
	settings   *cache[string, string]
	spelled    *cache[spelledKey, bool] // audit rows are never changed: nothing drops an entry
}

func newCaches() caches {
	return caches{
		secrets:    newCache[[32]byte, Secret](),
		tokens:     newCache[int64, access.Token](),
		workspaces: newCache[int64, access.Workspace](),
		bots:       newCache[int64, access.Bot](),
		shares:     newCache[int64, access.Share](),
		customers:  newCache[int64, access.Customer](),
		providers:  newCache[int64, []access.Provider](),
		groups:     newCache[string, access.Group](),
		prices:     newCache[string, access.Price](),
		settings:   newCache[string, string](),
		spelled:    newCache[spelledKey, bool](),
	}
}
