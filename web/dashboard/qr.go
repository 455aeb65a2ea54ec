package dashboard

import (
	"strconv"
	"strings"

	"github.com/skip2/go-qrcode"

	"latchkey/views"
)

// qr draws a link as a QR code: one path of horizontal runs, with the quiet zone
// that cameras want.
func qr(text string) (views.QRView, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return views.QRView{}, err
	}
	rows := code.Bitmap()
	var path strings.Builder
	for y, row := range rows {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			end := x
			for end < len(row) && row[end] {
				end++
			}
			path.WriteString("M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "h" + strconv.Itoa(end-x) + "v1h-" + strconv.Itoa(end-x) + "z")
			x = end
		}
	}
	side := strconv.Itoa(len(rows))
	return views.QRView{Path: path.String(), ViewBox: "0 0 " + side + " " + side}, nil
}
