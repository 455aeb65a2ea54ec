package demo

import (
	"slices"
	"strings"
	"unicode"
)

// prepared is one answer, in both languages, and the words that call for it.
type prepared struct {
	words   []string // in lower case; a Chinese word is looked for anywhere
	english string
	chinese string
}

// opening is the first line of every answer.
const (
	opening   = "This is a demo."
	openingZh = "这是演示。"
)

var texts = []prepared{
	{
		words: []string{"webhook", "webhooks", "retry", "retries", "回调", "重试"},
		english: `A webhook that was not answered with a 2xx status is sent again, each time after a longer pause.

- the first retry comes after one minute
- then after 5, 30 and 120 minutes
- after five failures the delivery is given up and shown as failed

Answer quickly and do the work afterwards:

` + "```go" + `
func webhook(w http.ResponseWriter, r *http.Request) {
	queue <- r.Header.Get("Event-Id") // the same id may come twice
	w.WriteHeader(http.StatusAccepted)
}
` + "```" + `

A real model, once connected, would answer from your bot's own instructions.`,
		chinese: `如果 Webhook 没有收到 2xx 状态码，就会再次发送，每次间隔更长。

- 第一次重试在一分钟之后
- 之后依次为 5、30 和 120 分钟
- 连续失败五次后停止投递，并标记为失败

请先快速应答，再处理业务：

` + "```go" + `
func webhook(w http.ResponseWriter, r *http.Request) {
	queue <- r.Header.Get("Event-Id") // 同一编号可能出现两次
	w.WriteHeader(http.StatusAccepted)
}
` + "```" + `

接入真实模型后，机器人会按照您自己的设定来回答。`,
	},
	{
		words: []string{"invoice", "invoices", "billing", "address", "发票", "账单", "地址"},
		english: `The address on an invoice is the one that was saved when the invoice was made.

1. Open the billing settings and change the address.
2. Invoices from now on carry the new one.
3. For an invoice that is already out, ask for a corrected copy and name its number.

` + "```text" + `
Acme GmbH
12 Example Street
10115 Berlin
` + "```" + `

A real model, once connected, would know your own rules for this.`,
		chinese: `发票上的地址，以开票时保存的地址为准。

1. 打开账单设置，修改地址。
2. 之后开具的发票会使用新地址。
3. 如果发票已经开出，请提供发票号码，申请更正。

` + "```text" + `
示例科技有限公司
示例路 12 号
上海市
` + "```" + `

接入真实模型后，机器人会按照您自己的规则来回答。`,
	},
	{
		words: []string{"key", "keys", "token", "tokens", "secret", "secrets", "密钥", "令牌", "口令"},
		english: `Keys are kept encrypted, and a list shows only their first and last characters.

- **Owners and editors** can show a key again; each time is written to the audit log.
- **Viewers** see that a key exists, never the key.
- **Customers** see no key at all, and the provider's own key never leaves the server.

A program reads its key from the environment:

` + "```sh" + `
export LATCHKEY_TOKEN=…
curl -H "Authorization: Bearer $LATCHKEY_TOKEN" https://bots.acme.example/v1/models
` + "```" + `

If a key may have leaked, revoke it: the next request with it is refused.`,
		chinese: `密钥以加密形式保存，列表中只显示开头和末尾几个字符。

- **所有者和编辑者**可以再次查看密钥，每次查看都会写入审计日志。
- **只读成员**能看到密钥存在，但看不到内容。
- **客户**看不到任何密钥；模型服务商的密钥从不离开服务器。

程序可以从环境变量读取密钥：

` + "```sh" + `
export LATCHKEY_TOKEN=…
curl -H "Authorization: Bearer $LATCHKEY_TOKEN" https://bots.acme.example/v1/models
` + "```" + `

如果怀疑密钥泄露，请立即吊销：之后使用它的请求都会被拒绝。`,
	},
	{
		words: []string{"help", "hello", "hi", "who are you", "what are you", "what can you", "can you do", "你好", "您好", "帮助", "你是谁", "能做什么", "可以做什么", "会做什么"},
		english: `I am a prepared text, not a language model. I am here so that you can see how a bot answers before you connect a provider.

You can use me to try:

- streaming, word by word, and stopping in the middle
- lists, **bold** text and code
- limits: every word counts as one token

` + "```python" + `
print("Hello from the demo model")
` + "```" + `

Ask me about webhooks, about an invoice's address or about who can see keys.`,
		chinese: `我是一段预先写好的文字，并不是语言模型。在您接入模型服务商之前，我可以让您看到机器人如何作答。

您可以用我来体验：

- 逐字输出，以及中途停止
- 列表、**粗体**和代码
- 额度：每个汉字或单词计为一个 token

` + "```python" + `
print("来自演示模型的问候")
` + "```" + `

您可以问我关于 Webhook 重试、发票地址，或者谁能看到密钥的问题。`,
	},
}

// answer is the text for a question.
func answer(question string) string {
	chinese := strings.ContainsFunc(question, isHan)
	first := opening
	if chinese {
		first = openingZh
	}
	low := strings.ToLower(question)
	words := strings.FieldsFunc(low, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, t := range texts {
		if !slices.ContainsFunc(t.words, func(w string) bool { return asked(low, words, w) }) {
			continue
		}
		if chinese {
			return first + "\n\n" + t.chinese
		}
		return first + "\n\n" + t.english
	}
	return first + "\n\n" + echo(question, chinese)
}

func asked(low string, words []string, w string) bool {
	if strings.Contains(w, " ") || strings.ContainsFunc(w, isHan) {
		return strings.Contains(low, w)
	}
	return slices.Contains(words, w)
}

const maxEcho = 200 // characters of a question that are said again

func echo(question string, chinese bool) string {
	question = strings.Join(strings.Fields(question), " ")
	if r := []rune(question); len(r) > maxEcho {
		question = string(r[:maxEcho]) + "…"
	}
	quoted := "```text\n" + strings.ReplaceAll(question, "```", "'''") + "\n```"
	if chinese {
		return "您刚才问的是：\n\n" + quoted + `

演示模型没有为这个问题准备答案，因为：

- 它只会几段预先写好的文字
- 它不理解问题，也不会去查询任何资料

接入真实模型后，这里会是它的回答。您可以试着问：“你能做什么？”`
	}
	return "You asked:\n\n" + quoted + `

There is no prepared answer to that, because the demo model

- knows only a few texts by heart
- understands nothing and looks nothing up

Once a provider is connected, its answer stands here. Try: "What can you do?"`
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// pieces cuts a text into its tokens: words with the blanks behind them, and
// single Chinese characters. Joined they are the text again.
func pieces(text string) []string {
	var all []string
	var word strings.Builder
	inWord, blank := false, false
	cut := func() {
		if word.Len() > 0 {
			all = append(all, word.String())
			word.Reset()
		}
		inWord, blank = false, false
	}
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			blank = inWord
		case blank || isHan(r) && inWord:
			cut()
			inWord = true
		default:
			inWord = true
		}
		word.WriteRune(r)
		if isHan(r) {
			blank = true
		}
	}
	cut()
	return all
}

// count is how many tokens a text is.
func count(text string) int {
	if strings.TrimSpace(text) == "" {
		return 0
	}
	return len(pieces(text))
}
