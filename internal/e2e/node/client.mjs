// Makes the calls that it reads from standard input with the official client, and
// writes what became of each: the answer, or the class of the error.
import OpenAI from 'openai'

let text = ''
for await (const piece of process.stdin) text += piece
const { base, calls } = JSON.parse(text)

const messages = [{ role: 'user', content: 'hello' }]

// made does one call and returns what the caller sees of it.
async function made(client, { kind, model, more }, seen) {
	switch (kind) {
		case 'chat':
			return (await client.chat.completions.create({ model, messages, ...more })).choices[0].message.content
		case 'stream': {
			for await (const chunk of await client.chat.completions.create({ model, messages, stream: true, ...more })) {
				seen.text += chunk.choices[0]?.delta?.content ?? ''
				if (chunk.usage) seen.usage = chunk.usage.total_tokens
			}
			return seen.text
		}
		case 'legacy':
			return (await client.completions.create({ model, prompt: 'hello', ...more })).choices[0].text
		case 'responses':
			return (await client.responses.create({ model, input: 'hello', ...more })).output_text
		case 'responses-stream': {
			for await (const event of await client.responses.create({ model, input: 'hello', stream: true, ...more })) {
				if (event.type === 'response.output_text.delta') seen.text += event.delta
			}
			return seen.text
		}
		case 'embeddings': {
			const answer = await client.embeddings.create({ model, input: 'hello', encoding_format: 'float', ...more })
			return answer.data[0].embedding.length > 0 ? 'a vector' : 'nothing'
		}
		case 'models': {
			const names = []
			for await (const one of client.models.list()) names.push(one.id)
			return names.sort().join(' ')
		}
		case 'model':
			return (await client.models.retrieve(model)).id
	}
	throw new Error(`no such kind of call: ${kind}`)
}

const results = []
for (const call of calls) {
	const client = new OpenAI({ baseURL: base, apiKey: call.key, maxRetries: call.retries ?? 0, timeout: 20_000 })
	const seen = { text: '', usage: 0 }
	try {
		results.push({ name: call.name, text: await made(client, call, seen), usage: seen.usage })
	} catch (e) {
		results.push({
			name: call.name, text: seen.text, class: e.constructor.name, api: e instanceof OpenAI.APIError,
			status: e.status ?? 0, code: e.code ?? '', type: e.type ?? '', message: e.message, request: e.requestID ?? '',
		})
	}
}
console.log(JSON.stringify(results))
