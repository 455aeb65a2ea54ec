package web

import (
	"latchkey/web/manual"
	"latchkey/web/ops"
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/fess"
	"latchkey/web/wire/native"
	"latchkey/web/wire/newapi"
	"latchkey/web/wire/openai"
	"latchkey/web/wire/ragflow"
)

// Manual is what every door says of itself. It holds nothing of an instance.
func Manual() manual.Manual {
	return manual.Manual{openai.Manual(), native.Manual(), newapi.Manual(), ragflow.Manual(), fess.Manual(), botshare.Manual(), ops.Manual()}
}
