// Checks files before they travel, takes dropped ones, and shows the progress of the form that carries them.
// The server checks all of it again.
import { hold, release } from "./once.js";

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

function row(file, error, remove) {
  const item = document.createElement("li");
  item.className = error ? "file has-error" : "file";
  const words = document.createElement("div");
  const name = document.createElement("b");
  name.textContent = file.name;
  const note = document.createElement("span");
  note.className = error ? "small file-error" : "small muted num";
  note.textContent = error || size(file.size);
  words.append(name, note);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-ghost btn-sm";
  button.textContent = "Remove";
  button.setAttribute("aria-label", `Remove ${file.name}`);
  button.addEventListener("click", remove);
  item.append(words, button);
  return item;
}

function send(form, list) {
  const request = new XMLHttpRequest();
  const bar = document.createElement("progress");
  bar.max = 100;
  bar.setAttribute("aria-label", "Upload");
  const said = document.createElement("span");
  said.className = "small text-2";
  const line = document.createElement("li");
  line.className = "file";
  const box = document.createElement("div");
  box.className = "w-100";
  box.append(said, bar);
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "btn btn-ghost btn-sm";
  cancel.textContent = "Cancel";
  cancel.addEventListener("click", () => request.abort());
  line.append(box, cancel);
  list.append(line);
  let quarter = -1;

  request.upload.addEventListener("progress", (event) => {
    const share = Math.round((100 * event.loaded) / event.total);
    bar.value = share;
    if (Math.floor(share / 25) !== quarter) {
      quarter = Math.floor(share / 25);
      said.textContent = `${share} % of ${size(event.total)}`;
    }
  });
  const stop = (message) => {
    line.classList.add("has-error");
    said.textContent = message;
    bar.remove();
    cancel.remove();
    release(form);
  };
  request.addEventListener("load", () => {
    // The answer is a whole page, at another address when the server redirected. It is shown as it came: loading it
    // again would lose the message that it brought.
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    if (request.responseURL !== location.href) history.pushState(null, "", request.responseURL);
    document.title = page.title;
    document.body.replaceWith(page.body);
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
    import("./enhance.js").then((app) => app.enhance());
  });
  request.addEventListener("error", () => stop("The connection broke. Try again."));
  request.addEventListener("abort", () => stop("Canceled. Nothing was sent."));
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(new FormData(form));
}

export function enhance(root) {
  for (const upload of root.querySelectorAll("[data-upload]")) {
    const input = upload.querySelector("input[type=file]");
    const list = upload.querySelector("[data-upload-list]");
    const drop = upload.querySelector(".drop");
    const form = input.form;
    const rules = {
      maxBytes: Number(upload.dataset.maxBytes),
      maxFiles: Number(upload.dataset.maxFiles),
      extensions: upload.dataset.extensions.split(","),
    };

    const take = (files) => {
      const kept = new DataTransfer();
      for (const file of files) kept.items.add(file);
      input.files = kept.files;
      show();
    };
    const show = () => {
      const files = [...input.files];
      list.replaceChildren(
        ...files.map((file, at) => {
          const tooMany = at >= rules.maxFiles ? `Only ${rules.maxFiles} files can be attached.` : "";
          return row(file, fault(file, rules) || tooMany, () => take(files.filter((_, other) => other !== at)));
        }),
      );
      const faults = list.querySelectorAll(".has-error").length;
      input.setCustomValidity(faults ? "Remove the files that can't be uploaded." : "");
    };

    input.addEventListener("change", show);
    for (const kind of ["dragenter", "dragover"]) {
      drop.addEventListener(kind, (event) => {
        event.preventDefault();
        drop.classList.add("is-over");
      });
    }
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      take([...input.files, ...event.dataTransfer.files]);
    });
    form?.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
      } else if (!input.validity.valid) {
        event.preventDefault();
        list.querySelector(".has-error button")?.focus();
      } else if (input.files.length) {
        event.preventDefault();
        hold(form, event.submitter);
        send(form, list);
      }
    });
  }
}
