package wire

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// parametersMax is the longest query that is read for parameters, in bytes.
const parametersMax = 8 << 10

// Parameters reads the parameters of a query. What cannot be read in it is passed
// over.
func Parameters(query string) url.Values {
	if len(query) > parametersMax {
		return nil
	}
	values, _ := url.ParseQuery(query) // the rest of a malformed one still counts
	return values
}

// forwardedAddress are the headers in which proxies tell a forward-auth check what
// was called: Caddy and Traefik the first, nginx as it is usually set up the others.
var forwardedAddress = []string{"X-Forwarded-Uri", "X-Original-Uri", "X-Original-Url"}

// ForwardedParameters are the parameters of the call that a proxy asks about.
func ForwardedParameters(c *fiber.Ctx) url.Values {
	for _, name := range forwardedAddress {
		if address := c.Get(name); address != "" {
			_, query, _ := strings.Cut(address, "?")
			query, _, _ = strings.Cut(query, "#")
			return Parameters(query)
		}
	}
	return nil
}
