package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// Throttle of sign-ins (checklist C16). A window begins with its first failure.
const (
	triesPerAccount = 10
	triesPerAddress = 30
	triesWindow     = 15 * time.Minute
	triesPerServer  = 300
	serverWindow    = time.Minute
	deviceDelay     = 2 * time.Second // of a known device while the throttle is full
)

// countTry counts the attempt before it is judged. A full address or server is
// Limited, which tells nothing of any account; a full account is locked. A known
// device passes both, after a delay and under a count of its own. clear are the
// counts that a success forgets.
func (c *Control) countTry(ctx context.Context, a Attempt, one *candidate, first bool) (locked bool, clear []string, err error) {
	account := "name:" + digest(string(a.Door)+"\x00"+fold(a.Name))
	device := ""
	if one != nil {
		account = one.throttleKey()
		device = c.device(a.Device, one.kind, one.publicID)
	}
	clear = []string{account}
	limits := []db.Limit{{Key: account, Most: triesPerAccount, Window: triesWindow}}
	if first {
		limits = append(addressLimits(a.Address), limits...)
	}
	over, wait, err := c.DB.CountTry(ctx, limits)
	if err != nil || over < 0 {
		return false, clear, err
	}
	if device != "" {
		clear = append(clear, "device:"+device)
		full, _, err := c.DB.CountTry(ctx, []db.Limit{{Key: "device:" + device, Most: triesPerAccount, Window: triesWindow}})
		if err != nil {
			return false, nil, err
		}
		if full < 0 {
			return false, clear, c.pause(ctx, deviceDelay)
		}
	}
	if limits[over].Key == account {
		return true, clear, nil
	}
	c.Log.WarnContext(ctx, "sign-ins are throttled", "limit", limits[over].Key, "door", string(a.Door), "address", a.Address)
	return false, nil, access.Fail(access.Limited, "sign_in_limited", "Too many tries to sign in came from here. Wait a little, then try again.").After(wait)
}

// addressLimits are the limits that hold for whoever tries. The address comes
// first, so that one that is full already takes nothing from the others' room.
func addressLimits(address string) []db.Limit {
	return []db.Limit{
		{Key: addressKey(address), Most: triesPerAddress, Window: triesWindow},
		{Key: "server", Most: triesPerServer, Window: serverWindow},
	}
}

// addressKey is the network that is counted as one place: an IPv4 address, or the
// /64 that one IPv6 line has to itself.
func addressKey(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil {
		bits := 32
		if ip = ip.Unmap().WithZone(""); ip.Is6() {
			bits = 64
		}
		if net, err := ip.Prefix(bits); err == nil {
			address = net.String()
		}
	}
	return "address:" + address
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func (c *Control) pause(ctx context.Context, d time.Duration) error {
	if c.Pause != nil {
		return c.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
