package chat_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/upstream/faulty"
)

// picture is red at the left and blue at the right.
func picture(width, height int, alpha uint8) image.Image {
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.NRGBA{200, 0, 0, alpha}
			if x > width/2 {
				c = color.NRGBA{0, 0, 200, alpha}
			}
			p.Set(x, y, c)
		}
	}
	return p
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// chunk is one of a PNG's.
func chunk(kind string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// claiming is a PNG whose head claims a size, with little behind it.
func claiming(width, height uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 6, 0, 0, 0))...)
}

// A picture is drawn anew: square, small, and without what else the file held.
func TestFace(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	plain := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(900, 400, 255)) })
	const said = "tEXtComment\x00made at the home of Lin"
	at := 8 + 25 // after the head
	talking := append(append(append([]byte{}, plain[:at]...), chunk("tEXt", []byte(said[4:]))...), plain[at:]...)
	for name, one := range map[string]struct {
		file []byte
		kind string
	}{
		"a PNG that says more":   {talking, "image/jpeg"},
		"a PNG one sees through": {encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(300, 300, 90)) }), "image/png"},
		"a JPEG":                 {encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(400, 900, 255), nil) }), "image/jpeg"},
		"a GIF":                  {encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, picture(64, 40, 255), nil) }), "image/jpeg"},
		"one point":              {encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(1, 1, 255)) }), "image/jpeg"},
		"as large as may be":     {encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(4096, 1024, 255)) }), "image/jpeg"},
	} {
		s.must(s.Control.SetBotAvatar(t.Context(), s.Owner, s.bot.PublicID, one.file))
		got := s.reader().get(s.base() + "/face")
		shown, _, err := image.Decode(strings.NewReader(got.body))
		if err != nil || got.status != 200 || got.header.Get("Content-Type") != one.kind || got.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") {
			t.Fatalf("%s: %d %v %v", name, got.status, got.header, err)
		}
		if b := shown.Bounds(); b.Dx() != b.Dy() || b.Dx() > 192 || strings.Contains(got.body, "home of Lin") {
			t.Errorf("%s: %v", name, b)
		}
		if len(got.body) > 20<<10 {
			t.Errorf("%s: it weighs %d bytes", name, len(got.body))
		}
		s.says(s.reader().get(s.base()).body, s.base()+"/face")
		if embedded := s.reader().get(s.embed() + "/face"); embedded.body != got.body {
			t.Errorf("%s: the embedded chat shows another", name)
		}
	}
	s.must(s.Control.DropBotAvatar(t.Context(), s.Owner, s.bot.PublicID))
	if got := s.reader().get(s.base() + "/face"); got.status != 404 {
		t.Errorf("without a picture: %d", got.status)
	}
	s.saysNot(s.reader().get(s.base()).body, "/face\"")
}

// What is no picture, or would not fit into memory, is refused by its head.
func TestFaceRefused(t *testing.T) {
	s := newSite(t, faulty.Good, control.ShareForm{})
	good := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(300, 300, 255)) })
	photo := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(300, 300, 255), nil) })
	for name, one := range map[string]struct {
		file []byte
		code string
	}{
		"nothing":       {nil, "picture_missing"},
		"too heavy":     {append(bytes.Clone(good), make([]byte, 2<<20)...), "picture_heavy"},
		"a bomb":        {claiming(60000, 60000), "picture_large"},
		"a wide bomb":   {claiming(4097, 1), "picture_large"},
		"a square bomb": {claiming(4000, 4000), "picture_large"},
		"a head alone":  {claiming(100, 100), "picture_unknown"},
		"cut":           {good[:len(good)/2], "picture_unknown"},
		"a drawing":     {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "picture_unknown"},
		"a page":        {[]byte("<html><script>alert(1)</script>"), "picture_unknown"},
		"many passes":   {append(bytes.Clone(photo[:len(photo)-2]), bytes.Repeat([]byte{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0}, 150_000)...), "picture_unknown"},
	} {
		began := time.Now()
		err := s.Control.SetBotAvatar(t.Context(), s.Owner, s.bot.PublicID, one.file)
		problems := access.Problems(err)
		if len(problems) != 1 || problems[0].Code != one.code || time.Since(began) > 20*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
	if got := s.reader().get(s.base() + "/face"); got.status != 404 {
		t.Errorf("something was kept: %d", got.status)
	}
}
