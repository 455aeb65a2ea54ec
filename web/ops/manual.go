package ops

import "latchkey/web/manual"

// Manual is the operator's part of the manual.
func Manual() manual.Door {
	return manual.Door{
		Name: "operator", Title: "Operator", About: "What an operator's tools ask.",
		Failure: manual.String(), FailureIs: "text/plain",
		Operations: []manual.Operation{
			{Method: "GET", Path: "/healthz", Text: "The process runs.", Open: true, Answer: manual.String(), AnswerKind: "text/plain"},
			{Method: "GET", Path: "/readyz", Text: "Calls can be answered; 503 while they cannot.", Open: true, Answer: manual.String(), AnswerKind: "text/plain"},
			{Method: "GET", Path: "/metrics", Text: "Numbers for Prometheus; from this machine without a credential.", By: []manual.Credential{manual.Metric}, Open: true, Answer: manual.String(), AnswerKind: "text/plain"},
			{Method: "GET", Path: "/openapi.json", Text: "This document.", Open: true, Answer: manual.Open(manual.F("openapi", manual.String()))},
		},
	}
}
