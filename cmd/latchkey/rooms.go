package main

import (
	"log/slog"
	"net"

	"latchkey/internal/config"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/web"
	"latchkey/web/chat"
	"latchkey/web/dashboard"
	"latchkey/web/ops"
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/fess"
	"latchkey/web/wire/native"
	"latchkey/web/wire/newapi"
	"latchkey/web/wire/openai"
	"latchkey/web/wire/ragflow"
)

// rooms builds the doors on a house.
func (h *house) rooms(sh *shell, cfg config.Config, listener net.Listener, log *slog.Logger) web.Rooms {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	language, _ := lang.Parse(cfg.Lang)
	r := web.Rooms{
		Config: cfg, Port: port, Gateway: h.gateway, Now: sh.now, Log: log,
		OpenAI: &openai.Door{Gateway: h.gateway, Control: h.control, Now: sh.now, Log: log, Language: language, UnitsPerDollar: h.control.UnitsPerDollar},
		Ops:    &ops.Ops{Ping: h.db.Ping},
	}
	r.Dashboard = &dashboard.Dashboard{
		Control: h.control, Gateway: h.gateway, Sessions: r.Sessions(h.control, h.keys.CookieKeys()), Origin: r.Origin, Now: sh.now, Log: log,
	}
	r.Native = &native.Door{Control: h.control, Gateway: h.gateway, Origin: r.Origin, Now: sh.now, Log: log, Language: language}
	r.NewAPI = &newapi.Door{
		Control: h.control, Origin: r.Origin, Now: sh.now, Started: sh.now(), Version: version, Log: log, Language: language,
	}
	r.Fess = &fess.Door{Control: h.control, Gateway: h.gateway, PageBase: cfg.FessPageBase, Now: sh.now, Log: log, Language: language}
	r.BotShare = &botshare.Door{
		Control: h.control, Gateway: h.gateway, Origin: r.Origin, Now: sh.now, Log: log, Language: language,
	}
	r.RAGFlow = &ragflow.Door{
		Control: h.control, Gateway: h.gateway, Ping: h.db.Ping, Now: sh.now, Version: version, Log: log, Language: language,
	}
	r.Chat = &chat.Chat{Control: h.control, Live: gateway.NewLive(h.gateway), Sessions: r.Dashboard.Sessions, Now: sh.now, Log: log}
	return r
}
