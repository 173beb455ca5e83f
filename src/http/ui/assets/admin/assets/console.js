// What a script makes nicer: copying, dialogs, filters that apply by themselves, all rows at one click.
// Everything works without it; what it shows it takes from pages that the server made.
document.documentElement.classList.add("js");

const fetchPage = async (url, signal, body) => {
  const answer = await fetch(url, { signal, body, method: body ? "POST" : "GET" });
  // The session is over, or something failed: the page itself tells better than a part of it. What was refused (422)
  // is told by the parts, too.
  if ((!answer.ok && answer.status !== 422) || answer.redirected) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};

// Moments as the reader writes them: in the browser's language and zone. UTC stays in the title. First and last days
// of a license are days, the same everywhere.

const day = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZoneName: "short",
});

const localize = (within) => {
  if (document.documentElement.dataset.times !== "local") return;
  for (const time of within.querySelectorAll("time[data-as]")) {
    const shown = time.firstElementChild;
    // Not here to its end yet.
    if (!shown?.nextSibling) continue;
    const at = new Date(time.dateTime);
    // A time keeps to a line.
    const hour = clock.format(at).replaceAll(" ", "\u00a0");
    const words = time.dataset.as === "time" ? `${day.format(at)} ${hour}` : day.format(at);
    if (shown.textContent !== words) shown.textContent = words;
    delete time.dataset.as;
  }
};

/** Here and not on the page, because a list has many ids, and a button is three times as long. */
const makeCopyable = (within) => {
  for (const code of within.querySelectorAll("code.id")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "id";
    button.textContent = code.textContent;
    button.title = `Copy ${code.textContent}`;
    code.replaceWith(button);
  }
};

const enhance = (within) => {
  localize(within);
  makeCopyable(within);
};

// While the page still arrives, before it is painted, so that nothing moves.
const arriving = new MutationObserver((changes) => {
  for (const { target } of changes) localize(target.closest?.("time")?.parentElement ?? target);
});
arriving.observe(document.documentElement, { childList: true, subtree: true });
addEventListener("DOMContentLoaded", () => {
  arriving.disconnect();
  enhance(document);
});

// Copy

const say = (button, word) => {
  const label = button.textContent;
  button.textContent = word;
  setTimeout(() => (button.textContent = label), 2000);
};

const copyId = async (button) => {
  const id = button.title.slice("Copy ".length);
  await navigator.clipboard.writeText(id);
  if (button.textContent === id) say(button, "Copied");
};

const copy = async (button) => {
  const source = document.getElementById(button.dataset.copy);
  source.select();
  try {
    await navigator.clipboard.writeText(source.value);
  } catch {
    // The browser does not let us: the text is selected, and the keyboard can copy it.
    return;
  }
  say(button, "Copied");
};

// Links that open their page as a dialog

/** Esc closes a dialog only if nothing was entered in it, or if it is pressed again. */
const guard = (dialog) => {
  let isEdited = false;
  const note = document.createElement("p");
  note.className = "note warn";
  note.setAttribute("role", "alert");
  note.textContent = "What you entered is not sent. Press Esc again to throw it away.";
  dialog.addEventListener("input", () => {
    isEdited = true;
    note.remove();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isEdited || note.isConnected) return;
    event.preventDefault();
    dialog.prepend(note);
    dialog.scrollTop = 0;
  });
};

const openDialog = async (link) => {
  const page = await fetchPage(link.href).catch(() => null);
  const content = page?.querySelector("main");
  if (!content) {
    location.assign(link.href);
    return;
  }
  // The second of two clicks comes too late.
  if (document.querySelector("dialog")) return;
  const dialog = document.createElement("dialog");
  dialog.append(...document.adoptNode(content).childNodes);
  const title = dialog.querySelector("h1");
  title.id = "dialog-title";
  dialog.setAttribute("aria-labelledby", title.id);
  // A form without an address of its own belongs to the page that it was fetched from.
  for (const form of dialog.querySelectorAll("form:not([action])")) form.action = link.href;
  dialog.addEventListener("close", () => dialog.remove());
  guard(dialog);
  enhance(dialog);
  document.body.append(dialog);
  dialog.showModal();
};

// Forms whose page follows what is entered: filters, searches, previews

let running;

// A filter is a GET, and its address can be kept; a form is looked at with a POST that does nothing.
const lookAt = (form, signal) => {
  const entered = new FormData(form);
  if (form.method === "post") {
    entered.append("look", "yes");
    return fetchPage(form.action, signal, entered);
  }
  for (const name of new Set(entered.keys())) if (entered.get(name) === "") entered.delete(name);
  const url = `${location.pathname}?${new URLSearchParams(entered)}`;
  history.replaceState(null, "", url);
  return fetchPage(url, signal);
};

/** Something that a filter means nothing by, or nothing yet: a date is typed digit by digit. */
const isUnfinished = (form) => form.method !== "post" && !form.checkValidity();

/** What was wrong with a field is told anew, beside the results. */
const forgetFaults = (form) => {
  for (const fault of form.querySelectorAll(".fault")) fault.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
};

const refresh = async (form) => {
  if (isUnfinished(form)) return;
  running?.abort();
  running = new AbortController();
  // What somebody is typing in is not replaced under their hands.
  const parts = [...form.getRootNode().querySelectorAll("[data-results]")].filter(
    (part) => !part.contains(document.activeElement),
  );
  for (const part of parts) part.classList.add("loading");
  try {
    const page = await lookAt(form, running.signal);
    if (page && form.method !== "post") forgetFaults(form);
    for (const part of parts) {
      const fresh = page?.getElementById(part.id);
      if (fresh) part.replaceChildren(...document.adoptNode(fresh).childNodes);
      enhance(part);
      part.classList.remove("loading");
    }
    for (const rows of document.querySelectorAll("form[data-rows]")) count(rows);
    if (!page && form.method !== "post") location.reload();
  } catch (error) {
    // Overtaken by what was entered since. Otherwise nobody answered: what is shown stays.
    if (error.name !== "AbortError") for (const part of parts) part.classList.remove("loading");
  }
};

let timer;

const refreshSoon = (form, delay) => {
  clearTimeout(timer);
  timer = setTimeout(() => void refresh(form), delay);
};

/** A word that is known goes into its field, or out of it. */
const toggleWord = (chip) => {
  const field = document.getElementById(chip.dataset.field);
  const words = field.value.split(/[\s,]+/).filter(Boolean);
  const others = words.filter((word) => word !== chip.dataset.word);
  field.value = (others.length < words.length ? others : [...words, chip.dataset.word]).join("\n");
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

const count = (form) => {
  const all = form.querySelector("[name=matching]:checked");
  const chosen = all ? "all" : form.querySelectorAll("tbody input[type=checkbox]:checked").length;
  for (const place of form.querySelectorAll("[data-count]")) {
    place.textContent = chosen ? ` (${chosen})` : "";
    // Nothing can be done with nothing.
    place.closest("button").disabled = chosen === 0;
  }
};

// With the shift key, a box does the same to all boxes since the last one that was clicked.
let last = null;

const chooseUpTo = (event) => {
  const box = event.target;
  if (!box.matches("form[data-rows] tbody input[type=checkbox]")) return;
  const boxes = [...box.form.querySelectorAll("tbody input[type=checkbox]:enabled")];
  const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].toSorted((a, b) => a - b);
  if (event.shiftKey && from >= 0) for (const one of boxes.slice(from, to)) one.checked = box.checked;
  last = box;
};

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-rows]")) count(form);
});

addEventListener("click", (event) => {
  const target = event.target;
  const button = target.closest("[data-copy]");
  if (button) void copy(button);
  const chip = target.closest("[data-word]");
  if (chip) toggleWord(chip);
  const id = target.closest("button.id");
  if (id) void copyId(id).catch(() => undefined);
  chooseUpTo(event);
  if (target.closest("[data-print]")) print();
  const closing = target.closest("dialog [data-close]");
  if (closing) {
    event.preventDefault();
    closing.closest("dialog").close();
  }
  const link = target.closest("a[data-dialog]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    void openDialog(link);
  }
});

addEventListener("input", (event) => {
  const form = event.target.closest("form[data-live]");
  if (form) refreshSoon(form, event.target.matches("select, [type=radio]") ? 0 : 250);
});

// The search over everything: / and Ctrl-K lead to it, and arrows through what it found.

const isTyping = (element) => element?.matches?.("input, textarea, select, [contenteditable]");

const openSearch = () => {
  const field = [...document.querySelectorAll(".find input[type=search]")].find((one) => one.offsetParent);
  if (field) return field;
  const menu = document.querySelector("details.menu");
  if (menu) menu.open = true;
  return menu?.querySelector(".find input[type=search]");
};

const stepThroughHits = (event) => {
  const hits = [...document.querySelectorAll("[data-hit]")];
  const here = hits.indexOf(document.activeElement);
  const isInSearch = document.activeElement?.matches(".find input[type=search]");
  if (hits.length === 0 || (isTyping(document.activeElement) && !isInSearch)) return;
  const next = hits[event.key === "ArrowDown" ? here + 1 : here - 1];
  if (!next) return;
  event.preventDefault();
  next.focus();
};

addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || event.altKey) return;
  const isShortcut = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
  const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !isTyping(event.target);
  if (isShortcut || isSlash) {
    const field = openSearch();
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") stepThroughHits(event);
});

addEventListener("keydown", (event) => {
  // Who presses Enter in the search of a form means the search, and does not send the form.
  if (event.key !== "Enter" || !event.target.matches("form[data-live][method=post] [type=search]")) return;
  event.preventDefault();
  refreshSoon(event.target.form, 0);
});

addEventListener("change", (event) => {
  const box = event.target;
  const form = box.closest?.("form");
  if (!form) return;
  if (box.matches("[data-all]")) {
    for (const other of form.querySelectorAll("tbody input[type=checkbox]:enabled"))
      other.checked = box.checked;
  }
  if (form.matches("[data-rows]")) count(form);
  // The form only looks at the file: nothing is done yet.
  if (form.matches("[data-at-once]") && box.type === "file" && box.files.length > 0) form.requestSubmit();
});

addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("form[data-live]") && form.method !== "post") {
    event.preventDefault();
    refreshSoon(form, 0);
  }
  // One click is enough; a download or a way back makes the form usable again.
  if (form.matches("[data-once]")) {
    const pressed = event.submitter;
    setTimeout(() => {
      pressed?.setAttribute("aria-busy", "true");
      for (const button of form.querySelectorAll("button")) button.disabled = true;
      setTimeout(() => {
        pressed?.removeAttribute("aria-busy");
        for (const button of form.querySelectorAll("button")) button.disabled = false;
      }, 4000);
    });
  }
});
