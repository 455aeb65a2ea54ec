package views

import (
	"strconv"

	"github.com/a-h/templ"
)

func barValue(percent int) string {
	return strconv.FormatFloat(float64(min(max(percent, 0), 100))/100, 'f', -1, 64)
}

// barTones colours a bar that nears its end; most do not.
func barTones(percent int) templ.OrderedAttributes {
	switch {
	case percent >= 100:
		return templ.OrderedAttributes{{Key: "data-tone", Value: string(Bad)}}
	case percent >= 90:
		return templ.OrderedAttributes{{Key: "data-tone", Value: string(Warn)}}
	}
	return nil
}

// titleOf is a title where there is one.
func titleOf(text string) templ.OrderedAttributes {
	if text == "" {
		return nil
	}
	return templ.OrderedAttributes{{Key: "title", Value: text}}
}

func noticeIcon(tone Tone) string {
	switch tone {
	case Ok:
		return "circle-check"
	case Warn, Bad:
		return "triangle-alert"
	}
	return "info"
}

// toastSeconds leaves time to use the undo, which the server grants for ten.
func toastSeconds(v ToastView) string {
	switch {
	case v.Seconds != "":
		return v.Seconds
	case v.UndoAction != "":
		return "10"
	case v.Tone == Bad || v.Tone == Warn:
		return "8"
	}
	return "4"
}

func toneClass(tone Tone) templ.OrderedAttributes {
	if tone == Off || tone == "" {
		return nil
	}
	return templ.OrderedAttributes{{Key: "class", Value: "tone-" + string(tone)}}
}
