// Checks files before they travel, takes dropped ones, and sends each in parts before its form: the form then names
// what is there already. The server checks all of it again; without this module the form carries the files itself.
import { hold, release } from "./once.js";
import { Transfer } from "./transfer.js";

const size = (bytes) => (bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

function fault(file, rules) {
  const extension = file.name.includes(".") ? file.name.split(".").pop().toLowerCase() : "";
  if (!rules.extensions.includes(extension)) {
    return `${file.name} can't be uploaded: supported formats are ${rules.extensions.join(", ").toUpperCase()}.`;
  }
  if (file.size > rules.maxBytes) {
    return `${file.name} is ${size(file.size)}: the largest file is ${size(rules.maxBytes)}.`;
  }
  return file.size === 0 ? `${file.name} is empty.` : "";
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** A file in the list: its name, how far it is, and what can be done about it. */
class Row {
  constructor(field, name) {
    this.field = field;
    this.name = name;
    this.item = element("li", "file");
    this.item.dataset.name = name;
    const words = element("div");
    words.append(element("b", "", name));
    this.note = element("span", "small muted num");
    words.append(this.note);
    this.bar = element("progress");
    this.bar.setAttribute("aria-label", `Upload of ${name}`);
    this.actions = element("div", "file-actions");
    this.item.append(words, this.actions);
    this.words = words;
    this.state = "";
    this.quarter = 0;
    field.list.append(this.item);
  }

  /** "waiting", "sending", "done" or "failed". */
  show(state, text, actions) {
    const had = this.actions.contains(document.activeElement);
    this.state = state;
    this.item.classList.toggle("has-error", state === "failed");
    this.note.className = state === "failed" ? "small file-error" : "small muted num";
    this.note.textContent = text;
    if (state === "sending") this.words.append(this.bar);
    else this.bar.remove();
    this.actions.replaceChildren(...actions.map(([label, act]) => this.#button(label, act)));
    if (had) this.actions.querySelector("button")?.focus();
    this.field.changed();
  }

  #button(label, act) {
    const button = element("button", "btn btn-ghost btn-sm", label);
    button.type = "button";
    button.setAttribute("aria-label", `${label} ${this.name}`);
    button.addEventListener("click", act);
    return button;
  }

  remove() {
    const next = this.item.nextElementSibling ?? this.item.previousElementSibling;
    this.item.remove();
    this.field.rows.delete(this);
    (next?.querySelector("button") ?? this.field.input).focus();
    this.field.say(`${this.name} was removed.`);
    this.field.changed();
  }

  /** A file that can't travel. */
  refuse(text) {
    this.show("failed", text, [["Remove", () => this.remove()]]);
  }

  /** A file that came back with the form, or arrived just now. */
  arrived(id, note) {
    this.field.rows.add(this);
    if (!this.item.querySelector("input")) {
      const kept = element("input");
      kept.type = "hidden";
      kept.name = "uploads";
      kept.value = id;
      this.item.append(kept);
    }
    this.show("done", note, [["Remove", () => this.#takeBack(id)]]);
  }

  #takeBack(id) {
    const upload = new Transfer(null, this.field.url, this.field.token, () => {});
    upload.id = id;
    upload.discard();
    this.remove();
  }

  send(file) {
    this.file = file;
    this.transfer ??= new Transfer(file, this.field.url, this.field.token, (sent, whole) => this.#progress(sent, whole));
    this.quarter = 0;
    this.bar.max = file.size;
    this.bar.value = this.transfer.received;
    this.show("sending", `0 % of ${size(file.size)}`, [["Cancel", () => this.#cancel()]]);
    this.#progress(this.transfer.received, false);
    this.transfer.run().then(
      (id) => {
        this.field.say(`${this.name} was uploaded.`);
        this.arrived(id, `${size(file.size)} · Uploaded`);
      },
      (error) => this.#failed(error),
    );
  }

  #progress(sent, whole) {
    this.bar.value = sent;
    const share = Math.floor((100 * sent) / this.file.size);
    if (whole) {
      this.bar.removeAttribute("value");
      this.note.textContent = `100 % of ${size(this.file.size)} · Checking`;
    } else if (Math.floor(share / 25) !== this.quarter || share === 0) {
      this.quarter = Math.floor(share / 25);
      this.note.textContent = `${this.quarter * 25} % of ${size(this.file.size)}`;
      if (this.quarter) this.field.say(`${this.name}: ${this.quarter * 25} %`);
    }
  }

  #failed(error) {
    if (!this.item.isConnected) return;
    const again = error.hopeless ? [] : [["Retry", () => this.send(this.file)]];
    again.push(["Remove", () => this.#drop()]);
    const text = this.transfer.stopped ? "Canceled." : error.message;
    this.field.say(`${this.name}: ${text}`);
    this.show("failed", text, again);
  }

  #cancel() {
    this.transfer.stop();
  }

  #drop() {
    this.transfer.discard();
    this.remove();
  }
}

class Field {
  constructor(upload) {
    this.input = upload.querySelector("input[type=file]");
    this.list = upload.querySelector("[data-upload-list]");
    this.status = upload.querySelector("[data-upload-said]");
    this.form = this.input.form;
    this.url = upload.dataset.uploadUrl;
    this.token = this.form?.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    this.rules = {
      maxBytes: Number(upload.dataset.maxBytes),
      maxFiles: Number(upload.dataset.maxFiles),
      extensions: upload.dataset.extensions.split(","),
    };
    this.rows = new Set();
    for (const item of this.list.querySelectorAll("[data-staged]")) {
      const row = new Row(this, item.dataset.name);
      const note = item.querySelector(".num").textContent;
      item.remove();
      row.arrived(item.dataset.staged, note);
    }
  }

  say(text) {
    if (this.status) this.status.textContent = text;
  }

  take(files) {
    for (const file of files) {
      const row = new Row(this, file.name);
      const tooMany = this.rows.size >= this.rules.maxFiles ? `Only ${this.rules.maxFiles} files can be attached.` : "";
      this.rows.add(row);
      const why = fault(file, this.rules) || tooMany;
      if (why) row.refuse(why);
      else if (!this.url) this.keep(row, file);
      else this.queue(row, file);
    }
    // The form names the uploads; it does not carry the files once more.
    if (this.url) this.input.value = "";
    else this.carry();
  }

  /** Where nothing takes parts the form itself carries what the list shows. */
  keep(row, file) {
    row.file = file;
    row.show("done", size(file.size), [["Remove", () => (row.remove(), this.carry())]]);
  }

  carry() {
    const carried = new DataTransfer();
    for (const row of this.rows) if (row.state === "done") carried.items.add(row.file);
    this.input.files = carried.files;
  }

  /** Two at a time: a page that sends ten files stays usable. */
  queue(row, file) {
    row.file = file;
    row.show("waiting", `${size(file.size)} · Waiting`, [["Remove", () => row.remove()]]);
    this.changed();
  }

  changed() {
    const rows = [...this.rows];
    const sending = rows.filter((row) => row.state === "sending").length;
    const waiting = rows.filter((row) => row.state === "waiting");
    if (waiting.length && sending < 2) {
      waiting[0].send(waiting[0].file);
      return;
    }
    const failed = rows.some((row) => row.state === "failed");
    this.input.setCustomValidity(failed ? "Remove the files that can't be uploaded." : "");
    if (!this.pending) return;
    if (failed) {
      this.pending = null;
      delete this.form.dataset.answered;
      release(this.form);
    } else if (!sending && !waiting.length) {
      const button = this.pending.button;
      this.pending = null;
      release(this.form);
      this.form.requestSubmit(button);
    }
  }

  submit(event) {
    const busy = [...this.rows].some((row) => row.state === "sending" || row.state === "waiting");
    if (this.form.dataset.sent) {
      event.preventDefault();
    } else if (!this.input.validity.valid) {
      event.preventDefault();
      this.say("Retry or remove the files that were not uploaded, then send the form.");
      this.list.querySelector(".has-error button")?.focus();
    } else if (busy) {
      event.preventDefault();
      this.pending = { button: event.submitter };
      hold(this.form, event.submitter);
      this.say("The form is sent as soon as the files are there.");
    }
  }
}

export function enhance(root) {
  for (const upload of root.querySelectorAll("[data-upload]")) {
    const field = new Field(upload);
    const drop = upload.querySelector(".drop");
    field.input.addEventListener("change", () => field.take([...field.input.files]));
    // What was chosen before this module came, or what Back restored.
    if (field.input.files.length) field.take([...field.input.files]);
    for (const kind of ["dragenter", "dragover"]) {
      drop.addEventListener(kind, (event) => {
        event.preventDefault();
        drop.classList.add("is-over");
      });
    }
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      field.take([...event.dataTransfer.files]);
    });
    field.form?.addEventListener("submit", (event) => field.submit(event));
  }
}
