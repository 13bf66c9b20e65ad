// Shows a tree of text that ui/render.py made. Data reaches the page as textContent and checked attributes only:
// there is no innerHTML here, and no element but those named below is ever made.

const shown = new WeakMap() // parentElement -> {signature, root, ...}: what it shows, to leave alone what did not change
const WIDE = "(min-width: 1180px)"
const ROOM = 320 // pixels that an article needs beside the conversation
const NARROW = "(max-width: 767px)" // where Streamlit's sidebar lies over the page
const OPENER = Symbol.for("career-advisor.opener") // the number that was clicked, for the focus to go back to

function make(tag, className, text) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

function button(className, text, onClick) {
  const element = make("button", className, text)
  element.type = "button"
  element.onclick = onClick
  return element
}

function opens(number, label, className, text, send) {
  const open = () => {
    send.card?.hide()
    window[OPENER] = new WeakRef(element)
    send.mark(number)
  }
  const element = button(className, text, (event) => {
    // a finger cannot hover: its first tap shows the quote, with the way to the article
    if (event.pointerType === "touch" && send.card?.shows(element, number, open)) return
    open()
  })
  const listen = (name, handle) => element.addEventListener(name, handle)
  listen("pointerenter", (event) => event.pointerType === "mouse" && send.card?.soon(element, number))
  listen("pointerleave", () => send.card?.later())
  listen("focus", () => element.matches(":focus-visible") && send.card?.soon(element, number))
  listen("blur", () => send.card?.later())
  listen("keydown", (event) => event.key === "Escape" && send.card?.hide())
  element.dataset.mark = String(number)
  element.setAttribute("aria-label", label)
  element.setAttribute("aria-expanded", "false")
  return element
}

// --- icons: strokes of ours, drawn on 24 by 24

const STROKES = {
  copy: "M9 9h10v11H9z M5 15V4h10",
  done: "M5 13l4 4L19 7",
  not: "M6 6l12 12 M18 6L6 18",
  again: "M19 12a7 7 0 1 1-2.1-5 M19 4v4h-4",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  up: "M7 11v9H4v-9z M7 11l4-8c1.6 0 2.4 1 2 3l-.6 3H19l-1.6 9.4c-.2 1-.9 1.6-1.9 1.6H7",
  down: "M17 13V4h3v9z M17 13l-4 8c-1.6 0-2.4-1-2-3l.6-3H5l1.6-9.4c.2-1 .9-1.6 1.9-1.6H17",
  stop: "M7 7h10v10H7z",
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg"
  const drawing = document.createElementNS(space, "svg")
  drawing.setAttribute("viewBox", "0 0 24 24")
  drawing.setAttribute("aria-hidden", "true")
  const path = document.createElementNS(space, "path")
  path.setAttribute("d", STROKES[name])
  drawing.append(path)
  return drawing
}

// --- the quote that a number shows before it is opened

class Card {
  constructor(root) {
    this.root = root
    this.quotes = {}
    this.element = make("div", "quoted")
    this.element.popover = "manual"
    this.element.setAttribute("role", "tooltip")
    this.element.id = "quoted"
    this.element.onpointerenter = () => clearTimeout(this.timer)
    this.element.onpointerleave = () => this.later()
    this.outside = (event) => !event.composedPath().includes(this.element) && this.hide()
  }

  soon(opener, number) {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.shows(opener, number), 150)
  }

  later() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.hide(), 200)
  }

  // whether there is a quote to show
  shows(opener, number, open) {
    const told = this.quotes[String(number)]
    clearTimeout(this.timer)
    if (!told || !opener.isConnected) return false
    this.hide()
    const place = told.place === "Opening" ? told.title : `${told.title} › ${told.place}`
    this.element.replaceChildren(make("p", "words", told.quote), make("p", "where", place))
    if (told.standing) this.element.append(make("p", "where standing", told.standing))
    if (open) this.element.append(button("choice", "Read it in the article", open))
    this.root.append(this.element)
    opener.setAttribute("aria-describedby", this.element.id)
    this.opener = opener
    this.element.showPopover()
    this.place(opener)
    document.addEventListener("pointerdown", this.outside, true)
    document.addEventListener("scroll", this.outside, true)
    return true
  }

  place(opener) {
    const at = opener.getBoundingClientRect()
    const { offsetWidth: width, offsetHeight: height } = this.element
    const below = at.bottom + 8 + height < innerHeight
    this.element.style.left = `${Math.max(8, Math.min(at.left - 12, innerWidth - width - 8))}px`
    this.element.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - height - 8)}px`
  }

  hide() {
    clearTimeout(this.timer)
    document.removeEventListener("pointerdown", this.outside, true)
    document.removeEventListener("scroll", this.outside, true)
    this.opener?.removeAttribute("aria-describedby")
    if (this.element.isConnected) this.element.remove()
  }
}

// --- runs

function runElement(run, send) {
  if (run.mark !== undefined) return run.label ? opens(run.mark, run.label, "mark", run.text, send) : make("span", "mark", run.text)
  let element = null
  for (const [look, tag] of [["lit", "mark"], ["code", "code"], ["italic", "em"], ["bold", "strong"]]) {
    if (!run[look]) continue
    const outer = make(tag)
    if (element) outer.append(element)
    else outer.textContent = run.text
    element = outer
  }
  return element ?? document.createTextNode(run.text)
}

function fill(element, runs, send) {
  // a number stays on the line of the word that it follows
  runs.forEach((run, at) => {
    const next = runs[at + 1]
    if (run.mark !== undefined && runs[at - 1]?.mark === undefined && at > 0) return // stands with the word before it
    if (run.mark === undefined && next?.mark !== undefined) {
      const cut = run.text.trimEnd().lastIndexOf(" ") + 1
      const together = make("span", "together")
      if (cut) element.append(runElement({ ...run, text: run.text.slice(0, cut) }, send))
      together.append(runElement({ ...run, text: run.text.slice(cut).trimEnd() }, send), runElement(next, send))
      element.append(together)
    } else element.append(runElement(run, send))
  })
  return element
}

// --- blocks

const BUILD = {
  paragraph: (block, send) => fill(make("p"), block.runs, send),
  heading: (block, send) => fill(make("h" + Math.min(6, Math.max(2, block.level + 1))), block.runs, send),
  quote: (block, send) => withBlocks(make("blockquote"), block.blocks, send),
  rule: () => make("hr"),
  code: (block, send) => {
    const element = make("pre")
    element.tabIndex = 0
    element.append(fill(make("code"), block.runs, send))
    return element
  },
  list: (block, send) => {
    const element = make(block.start === null ? "ul" : "ol")
    if (block.start !== null) element.start = block.start
    element.append(...block.items.map((item) => withBlocks(make("li"), item, send)))
    return element
  },
  table: tableElement,
  source: sourceElement,
  choices: choicesElement,
  nearest: (block) => {
    const element = make("div", "nearest")
    element.append(make("p", "place", block.title === block.place ? block.title : `${block.title} › ${block.place}`))
    element.append(make("p", "", block.text))
    return element
  },
  facts: (block) => {
    const element = make("dl")
    for (const [name, value] of block.rows) element.append(make("dt", "", name), make("dd", "", value))
    return element
  },
  card: cardElement,
  actions: actionsElement,
  conversations: conversationsElement,
  bars: barsElement,
  poll: pollElement,
  head: (block) => articleHead(block),
}

function withBlocks(element, blocks, send) {
  element.append(...blocks.map((block) => BUILD[block.kind](block, send)))
  return element
}

function tableElement(block, send) {
  const frame = make("div", "table")
  frame.tabIndex = 0
  frame.setAttribute("role", "region")
  frame.setAttribute("aria-label", block.caption ?? "Table")
  const table = make("table")
  if (block.caption) table.append(make("caption", "", block.caption))
  const head = make("thead")
  const headRow = make("tr")
  for (const cell of block.header) {
    const element = fill(make("th"), cell, send)
    element.scope = "col"
    headRow.append(element)
  }
  head.append(headRow)
  const body = make("tbody")
  for (const row of block.rows) {
    const element = make("tr", row.some((cell) => cell.some((run) => run.lit)) ? "lit" : "")
    element.append(...row.map((cell) => fill(make("td"), cell, send)))
    body.append(element)
  }
  table.append(head, body)
  frame.append(table)
  return frame
}

function sourceElement(block, send) {
  const element = make("section", "source")
  element.setAttribute("aria-label", "Sources: " + block.title)
  const line = make("p", "origin")
  line.append(make("span", "title", block.title))
  if (block.note) line.append(make("span", "note", block.note))
  const list = make("ul", "places")
  for (const item of block.items) {
    const entry = make("li")
    const opener = opens(item.mark, `${item.label}, ${item.text}`, "place", undefined, send)
    opener.append(make("span", "number", String(item.mark)), make("span", "", item.text))
    if (item.standing) opener.append(make("span", `standing ${item.standing}`, item.standing))
    entry.append(opener)
    list.append(entry)
  }
  element.append(line, list)
  return element
}

function choicesElement(block, send) {
  const element = make("div", "choices")
  element.setAttribute("role", "group")
  element.setAttribute("aria-label", block.label)
  element.append(make("p", "label", block.label))
  block.items.forEach((question, index) => element.append(button("choice", question, () => send.choice(index))))
  return element
}

function cardElement(block, send) {
  const element = make("article", "card")
  const title = make("h2")
  title.append(button("open", block.title, () => send.choice(block.index)))
  element.append(title)
  for (const name of ["byline", "note", "meta"]) if (block[name]) element.append(make("p", name, block[name]))
  return element
}

function actionsElement(block, send) {
  const element = make("div", "actions")
  for (const item of block.items) {
    const act = button("action", undefined, () => (item.copy === undefined ? send.act(item.name) : copied(act, item)))
    act.append(icon(item.name))
    act.setAttribute("aria-label", item.label)
    act.title = item.label
    if (item.pressed) act.setAttribute("aria-pressed", "true")
    element.append(act)
  }
  return element
}

async function copied(act, item) {
  const isCopied = await toClipboard(item.copy)
  act.focus({ preventScroll: true })
  act.replaceChildren(icon(isCopied ? "done" : "not"))
  const told = isCopied ? "Copied" : "This browser does not allow copying; the export under More holds the same"
  act.setAttribute("aria-label", told)
  act.title = told
  setTimeout(() => {
    act.replaceChildren(icon(item.name))
    act.setAttribute("aria-label", item.label)
    act.title = item.label
  }, 1800)
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copiedByHand(text) // a page that is served without TLS to another machine has no clipboard
  }
}

function copiedByHand(text) {
  const field = make("textarea")
  field.value = text
  field.style.cssText = "position: fixed; opacity: 0"
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand("copy")
  field.remove()
  return isCopied
}

function conversationsElement(block, send) {
  const element = make("ul", "conversations")
  block.items.forEach((item, index) => {
    const entry = make("li")
    const opener = button("conversation", undefined, () => {
      send.choice(index)
      foldList()
    })
    opener.append(make("span", "title", item.title), make("span", "when", item.when))
    if (item.current) opener.setAttribute("aria-current", "true")
    entry.append(opener)
    element.append(entry)
  })
  return element
}

// what was chosen in it would stay hidden behind it
function foldList() {
  if (matchMedia(NARROW).matches) document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click()
}

function pollElement(block, send) {
  const element = make("fieldset", "poll")
  element.append(make("legend", "", block.about))
  const options = make("div", "options")
  block.items.forEach((text, index) => {
    const option = button("option", text, () => send.choice(10 * block.number + index))
    option.setAttribute("aria-pressed", String(block.picked === index))
    options.append(option)
  })
  element.append(options)
  return element
}

function barsElement(block) {
  const element = make("dl", "bars")
  const share = (value) => `${100 * Math.max(0, Math.min(1, value))}%`
  for (const row of block.rows) {
    const bar = make("dd", row.tone ?? "")
    const track = make("span", "track")
    const fill = make("span", "fill")
    fill.style.width = share(row.value)
    const range = make("span", "range")
    range.style.left = share(row.low)
    range.style.width = share(row.high - row.low)
    track.append(fill, range)
    bar.append(track, make("span", "told", row.told))
    element.append(make("dt", "", row.name), bar)
  }
  return element
}

// --- an article

function articleHead(panel) {
  const head = make("header")
  const title = make("h2", "", panel.title)
  title.id = "article-title"
  head.append(title)
  for (const name of ["byline", "note"]) if (panel[name]) head.append(make("p", name, panel[name]))
  for (const link of panel.links) {
    const url = new URL(link.url)
    if (url.protocol !== "http:" && url.protocol !== "https:") continue
    const anchor = make("a", "", `${link.text} (${url.hostname})`)
    anchor.href = url.href
    anchor.target = "_blank"
    anchor.rel = "noopener noreferrer"
    head.append(anchor)
  }
  if (panel.warning) head.append(make("p", "warning", panel.warning))
  return head
}

function panelElement(panel, close) {
  const dialog = make("dialog", "panel")
  dialog.setAttribute("aria-labelledby", "article-title")
  const head = articleHead(panel)
  head.prepend(button("close", "Close", close))
  const body = make("div", "body")
  body.tabIndex = -1
  body.append(withBlocks(make("div", "text"), panel.blocks, {}))
  dialog.append(head, body)
  return dialog
}

function scrollToLit(body) {
  const first = body.querySelector("mark")
  if (!first) return
  const marks = [...body.querySelectorAll("mark")]
  const top = first.getBoundingClientRect().top - body.getBoundingClientRect().top + body.scrollTop
  const height = marks[marks.length - 1].getBoundingClientRect().bottom - first.getBoundingClientRect().top
  body.scrollTop = Math.max(0, top - Math.max(24, (body.clientHeight - height) / 2.6))
}

function showPanel(component, state, data) {
  const { parentElement, setTriggerValue } = component
  const host = parentElement.host ?? parentElement
  const wide = window.matchMedia(WIDE)
  // beside the conversation where there is room for both, else over it
  const hasRoom = () => wide.matches && host.getBoundingClientRect().width >= ROOM
  const place = () => {
    if (closing) return // to open it anew in another place would bring it back
    if (hasRoom() !== dialog.classList.contains("beside")) open()
    // the column's own edges, so that the article stands beside the conversation at any width
    const { left } = host.getBoundingClientRect()
    dialog.style.setProperty("--left", `${Math.round(left)}px`)
    if (!isRead) scrollToLit(body)
  }
  const open = () => {
    const top = body.scrollTop
    if (dialog.open) dialog.close()
    dialog.classList.toggle("beside", hasRoom())
    if (hasRoom()) dialog.show()
    else {
      dialog.showModal()
      // over the conversation it looks like a page of its own, and "back" is the way out of it
      if (!history.state?.article) history.pushState({ ...history.state, article: true }, "")
    }
    place()
    body.scrollTop = top
  }
  let isRead = false // until somebody scrolls, the quote stays in view as a window is turned or made narrower
  let closing = false
  const close = () => {
    if (closing) return
    closing = true
    if (history.state?.article) history.back()
    else shut()
  }
  const shut = () => {
    dialog.close()
    setTriggerValue("closed", true)
    const opener = window[OPENER]?.deref()
    if (opener?.isConnected) opener.focus({ preventScroll: true })
  }
  const address = location.href
  const back = (event) => {
    if (history.state?.article) return
    if (location.href === address) event.stopImmediatePropagation() // no other page, so nothing that Streamlit has to draw
    closing = true
    shut()
  }
  const dialog = panelElement(data.panel, close)
  const body = dialog.querySelector(".body")
  dialog.oncancel = (event) => {
    event.preventDefault()
    close()
  }
  dialog.onkeydown = (event) => {
    if (event.key === "Escape") close()
  }
  for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) body.addEventListener(name, () => (isRead = true), { passive: true })
  state.stop?.()
  state.root.replaceChildren(dialog)
  window.addEventListener("popstate", back, true) // before Streamlit's own
  open()
  scrollToLit(body)
  body.focus({ preventScroll: true })
  const watcher = new ResizeObserver(place)
  watcher.observe(document.body)
  watcher.observe(host)
  state.stop = () => {
    watcher.disconnect()
    window.removeEventListener("popstate", back, true)
    if (dialog.open) dialog.close()
  }
}

// --- a new question

function keepInView(host, state) {
  // a new question rises to the top as its answer grows below it, and stays; whoever scrolls or types takes over
  const content = host.closest("[data-testid=stMainBlockContainer]") ?? document.body
  const watcher = new ResizeObserver(() => host.scrollIntoView({ block: "start" }))
  const takenOver = ["wheel", "touchmove", "pointerdown", "keydown"]
  state.stop = () => {
    watcher.disconnect()
    for (const name of takenOver) document.removeEventListener(name, state.stop, true)
    state.stop = undefined
  }
  for (const name of takenOver) document.addEventListener(name, state.stop, { capture: true, passive: true })
  watcher.observe(content)
}

// --- what it does with elements that are Streamlit's

const NEW = ".st-key-new-one"
const BOX = "[data-testid=stChatInputTextArea]"
const DRAFT = "career-advisor.draft"

function tend(state) {
  const fold = (event) => event.target.closest?.(NEW) && foldList()
  document.addEventListener("click", fold)
  const keep = keepDraft()
  state.stop = () => {
    document.removeEventListener("click", fold)
    keep()
  }
}

// a half-typed question is kept while another page is looked at, and never sent; returns how to stop
function keepDraft() {
  let box = null
  const find = () => {
    box = document.querySelector(BOX)
    if (!box) return
    watcher.disconnect()
    const draft = sessionStorage.getItem(DRAFT)
    if (draft && !box.value) type(box, draft)
  }
  const keep = () => box && sessionStorage.setItem(DRAFT, box.value)
  const watcher = new MutationObserver(find)
  watcher.observe(document.body, { childList: true, subtree: true })
  window.addEventListener("pagehide", keep)
  find()
  return () => {
    watcher.disconnect()
    window.removeEventListener("pagehide", keep)
    keep()
  }
}

// as a person does: React takes no notice of a value that is merely set
function type(box, text) {
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text)
  box.dispatchEvent(new Event("input", { bubbles: true }))
}

// --- what Streamlit calls, again at each change

function rootOf(parentElement) {
  if (shown.has(parentElement)) return shown.get(parentElement)
  const root = make("div", "root")
  parentElement.append(root)
  const state = { root, signature: null, send: {} }
  shown.set(parentElement, state)
  return state
}

function showLive(state, text) {
  if (!state.region) {
    state.region = make("div", "live")
    state.region.setAttribute("role", "status")
    state.region.setAttribute("aria-live", "polite")
    state.root.replaceChildren(state.region)
  }
  state.region.textContent = text
}

const LEVELS = { title: "1", question: "2", heading: "2" } // by which a screen reader goes from question to question

function showBlocks(state, data) {
  const level = LEVELS[data.tone]
  state.root.className = "root " + data.tone
  if (data.tone === "problem") state.root.setAttribute("role", "alert")
  else if (level) state.root.setAttribute("role", "heading")
  else state.root.removeAttribute("role")
  if (level) state.root.setAttribute("aria-level", level)
  else state.root.removeAttribute("aria-level")
  state.root.replaceChildren(...data.blocks.map((block) => BUILD[block.kind](block, state.send)))
}

export default function (component) {
  const { parentElement, setTriggerValue } = component
  const [data] = component.data
  const isNew = !shown.has(parentElement)
  const state = rootOf(parentElement)
  // kept up to date apart from what is shown, so that a click always reaches the latest run
  state.send.mark = (number) => setTriggerValue("mark", number)
  state.send.choice = (index) => setTriggerValue("choice", index)
  state.send.act = (name) => setTriggerValue("act", name)
  state.send.card ??= new Card(state.root)
  state.send.card.quotes = data.quotes ?? {}

  const { openMark, arrives, quotes, ...rest } = data
  const signature = JSON.stringify(rest)
  const changed = signature !== state.signature
  state.signature = signature
  if (data.tone === "live") {
    if (changed) showLive(state, data.live) // the same words again would be said again
  } else if (data.tone === "tend") {
    if (isNew) tend(state)
  } else if (data.tone === "panel") {
    if (changed) showPanel(component, state, data)
  } else {
    if (changed) showBlocks(state, data)
    for (const opener of state.root.querySelectorAll("[data-mark]")) {
      opener.setAttribute("aria-expanded", String(opener.dataset.mark === String(openMark)))
    }
    if (isNew && arrives) keepInView(parentElement.host ?? parentElement, state)
    if (!arrives) state.stop?.()
  }
  return () => {
    state.stop?.()
    state.send.card.hide()
    state.root.remove()
    shown.delete(parentElement)
  }
}
