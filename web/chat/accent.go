package chat

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

// rgb is a colour with parts from 0 to 255.
type rgb [3]float64

var (
	white = rgb{255, 255, 255}
	black = rgb{0, 0, 0}
	ink   = rgb{11, 16, 32} // on a light accent
	night = rgb{13, 15, 20} // the dark page
	soft  = rgb{28, 34, 52} // what a dark tint is mixed with
)

// parseColour reads "#204ec3".
func parseColour(text string) (rgb, bool) {
	digits, ok := strings.CutPrefix(strings.TrimSpace(text), "#")
	n, err := strconv.ParseUint(digits, 16, 32)
	if !ok || len(digits) != 6 || err != nil {
		return rgb{}, false
	}
	return rgb{float64(n >> 16), float64(n >> 8 & 255), float64(n & 255)}, true
}

func (c rgb) hex() string {
	return fmt.Sprintf("%02x%02x%02x", int(math.Round(c[0])), int(math.Round(c[1])), int(math.Round(c[2])))
}

// mix is c with part of another colour.
func (c rgb) mix(other rgb, part float64) rgb {
	for i := range c {
		c[i] += (other[i] - c[i]) * part
	}
	return c
}

// luminance is the relative one of WCAG.
func (c rgb) luminance() float64 {
	var l float64
	for i, weight := range [3]float64{0.2126, 0.7152, 0.0722} {
		v := c[i] / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		l += weight * v
	}
	return l
}

func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// until moves a colour towards another until it stands out from a ground.
func (c rgb) until(ground, towards rgb) rgb {
	const enough, step = 5.0, 0.02
	for part := 0.0; part < 1; part += step {
		if moved := c.mix(towards, part); contrast(moved, ground) >= enough {
			return moved
		}
	}
	return towards
}

// Accent is the style sheet of an owner's colour: what is pressed and what is
// tinted, in both themes, dark or light enough to be read.
func (h *Chat) Accent(c *fiber.Ctx) error {
	name, ok := strings.CutSuffix(c.Params("colour"), ".css")
	colour, known := parseColour("#" + name)
	if !ok || !known {
		return access.Fail(access.NotFound, "page_unknown", "There is nothing at this address.")
	}
	c.Set(fiber.HeaderContentType, "text/css; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	return c.SendString(accentSheet(colour))
}

func accentSheet(colour rgb) string {
	light, dark := colour.until(white, black), colour.until(night, white)
	pale, deep := colour.mix(white, 0.88), dark.mix(soft, 0.82)
	face := "--face:#" + light.hex() + ";"
	day := accentOf(light, white, pale, light.until(pale, black))
	evening := accentOf(dark, ink, deep, dark.until(deep, white))
	return ":root{" + face + day + "}html.dark{" + evening + "}@media (prefers-color-scheme:dark){html:not(.light,.dark){" + evening + "}}\n"
}

func accentOf(primary, on, tint, text rgb) string {
	return fmt.Sprintf("--primary:#%s;--primary-foreground:#%s;--ring:#%s;--tint:#%s;--tint-text:#%s;--keyword:#%s",
		primary.hex(), on.hex(), primary.hex(), tint.hex(), text.hex(), text.hex())
}
