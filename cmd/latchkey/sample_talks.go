package main

import (
	"context"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// sampleTalk is a conversation that is kept: each turn is one of the customer's
// calls of that day.
type sampleTalk struct {
	person, link       string
	daysAgo, hour, min int
	turns              [][2]string // question, answer
}

var sampleTalks = []sampleTalk{
	{sampleGuest, "Acme help desk", 6, 10, 12, [][2]string{
		{"My Hub shows a red light. What now?", "A steady red light means that the Hub has **no connection to the internet**.\n\n1. Check that the cable sits in the port marked *WAN*.\n2. Switch the Hub off, wait ten seconds, switch it on again.\n3. If the light is still red after two minutes, open the Acme app and choose *Hub → Network test*.\n\nIf it *blinks* red instead, tell me: that is something else."},
		{"It blinks, about once a second.", "Blinking once a second means that an update was interrupted. Hold the button on the back for **15 seconds** until the light turns white; the Hub then installs the update again. This takes about five minutes. Your sensors stay paired."},
		{"That worked, thank you!", "Good to hear. If it blinks again within a day, write to support@acme.example with the serial number from the underside of the Hub."},
	}},
	{sampleGuest, "Acme help desk", 1, 15, 40, [][2]string{
		{"How do I add a second sensor?", "Open the Acme app and choose **Sensors → Add**. Then press the small button inside the battery case of the new sensor until its light blinks blue.\n\n| sensor | range to the Hub |\n|---|---|\n| Door | 30 m |\n| Climate | 25 m |\n| Leak | 15 m |\n\nWalls of concrete halve the range."},
		{"Can both share one name?", "No. Each sensor needs a name of its own, because alarms name the sensor. *Kitchen door* and *Kitchen window* work well."},
	}},
	{"emma.olsen", "Acme help desk", 3, 9, 5, [][2]string{
		{"Can I change my delivery address?", "Yes, as long as the parcel has not left: **Account → Orders → Change address**. Afterwards only the carrier can redirect it; the link is in the e-mail that said it was on its way."},
	}},
	{"王芳", "客服入口", 5, 10, 30, [][2]string{
		{"设备一直闪红灯怎么办？", "红灯**闪烁**表示更新被中断。请按住背面的按钮 15 秒，直到指示灯变白，设备会重新安装更新，大约需要五分钟。已配对的传感器不受影响。"},
		{"保修期是多久？", "Acme 主机保修 24 个月，传感器保修 12 个月，从发票日期算起。如需报修，请准备好序列号（在设备底部）并发邮件至 support@acme.example。"},
	}},
	{"王芳", "客服入口", 1, 9, 48, [][2]string{
		{"如何更换收货地址？", "在包裹发出之前，您可以在“账户 → 订单 → 修改地址”中更改。发出之后只能联系承运商改派。"},
	}},
	{"张伟", "客服入口", 2, 11, 20, [][2]string{
		{"一个主机最多可以连接多少个传感器？", "Acme Home 主机最多连接 **24** 个传感器，Acme Team 主机最多 **96** 个。"},
	}},
	{"jonas.weber", "Docs for partners", 4, 14, 15, [][2]string{
		{"How do I verify a webhook's signature?", "Each delivery carries `X-Acme-Signature`: an HMAC-SHA-256 of the raw body with your webhook secret, in hex.\n\n```python\nimport hashlib, hmac\n\ndef genuine(secret: bytes, body: bytes, header: str) -> bool:\n    wanted = hmac.new(secret, body, hashlib.sha256).hexdigest()\n    return hmac.compare_digest(wanted, header)\n```\n\nCompare before you parse the body."},
		{"And how long should I keep retrying on my side?", "You do not need to: Acme retries a delivery for 24 hours with growing pauses until your endpoint answers with a 2xx status. Answer quickly and do the work afterwards."},
	}},
	{"priya.nair", "Docs for partners", 2, 16, 2, [][2]string{
		{"What are the rate limits?", "600 requests a minute for each key. Above that the API answers `429` with `Retry-After` in seconds."},
	}},
	{"yuki.sato", "Beta pilot", 2, 12, 33, [][2]string{
		{"What is the difference between Team and Fleet?", "**Team** is for one site with up to 96 sensors. **Fleet** is for several sites that are watched together: roles, one bill, and an export for your own systems. How many sites do you have?"},
		{"Three, and a fourth next year.", "Then Fleet fits: sites can be added at any time, and moving from Team later means pairing the Hubs again. Prices are on acme.example/prices."},
	}},
}

// planTalks has the conversations held, and one more call planned for each turn.
func (s *sample) planTalks() {
	for _, talk := range sampleTalks {
		var caller *sampleCaller
		for _, c := range s.calls {
			if c.link == talk.link && c.person == talk.person {
				caller = c.sampleCaller
			}
		}
		conversation := ""
		for i, turn := range talk.turns {
			at := s.at(talk.daysAgo, talk.hour, talk.min).Add(time.Duration(i) * 95 * time.Second)
			call := &sampleCall{
				sampleCaller: caller, at: at, model: caller.model, address: caller.address,
				usage: access.Usage{Prompt: int64(210 + 160*i), Completion: int64(len(turn[1])) / 4},
			}
			s.calls = append(s.calls, call)
			s.events = append(s.events, sampleEvent{at, func(ctx context.Context) (err error) {
				conversation, err = s.say(ctx, talk, conversation, turn, call)
				return err
			}})
		}
	}
	s.sortCalls()
}

// say stores a question, and a few seconds later its answer.
func (s *sample) say(ctx context.Context, talk sampleTalk, conversation string, turn [2]string, call *sampleCall) (string, error) {
	link, m := s.links[talk.link], s.people[talk.person]
	if _, err := s.seat(ctx, link, m); err != nil {
		return "", err
	}
	opened, err := s.control.ShareOf(ctx, link.secret)
	if err != nil {
		return "", err
	}
	guest, err := s.control.VisitShare(ctx, m.actor, opened)
	if err != nil {
		return "", err
	}
	asked, err := s.control.AskQuestion(ctx, guest, control.QuestionForm{Conversation: conversation, Question: turn[0]})
	if err != nil {
		return "", err
	}
	if err := s.db.ClaimQuestion(ctx, asked.Question.ID, s.requestID(call)); err != nil {
		return "", err
	}
	s.clock.to(call.at.Add(4 * time.Second))
	return asked.Conversation.PublicID, s.db.EndQuestion(ctx, db.QuestionEnd{QuestionID: asked.Question.ID, Text: turn[1], State: access.Done})
}
