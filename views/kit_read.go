package views

import "strconv"

func barValue(percent int) string { return strconv.Itoa(min(max(percent, 0), 100)) }

func barTone(percent int) Tone {
	switch {
	case percent >= 100:
		return Bad
	case percent >= 90:
		return Warn
	}
	return Info
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
