package main

import "latchkey/web"

// openapiCmd prints the document of all doors.
type openapiCmd struct{}

// Run prints what a running server has at /openapi.json.
func (openapiCmd) Run(sh *shell) error {
	text, err := web.Manual().OpenAPI()
	if err != nil {
		return err
	}
	_, err = sh.stdout.Write(text)
	return err
}
