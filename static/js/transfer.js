// One file on its way to the server in parts. A part is there whole or not at all, so after a broken connection the
// file goes on where the server says it stopped.
const PART = 1048576;
// What the connection may lose before a person is asked to try again. A busy server's answer may be lost, too: it closes
// before it has read the part.
const TRIES = 4;
const PAUSE = 800;
// How often a part waits for its turn while many people upload.
const TURNS = 300;

export class Refused extends Error {
  /**
   * `gone`: the server knows the upload no more; `busy`: the same in a moment; `final`: a person says when to try
   * again; `hopeless`: never.
   */
  constructor(message, { gone = false, busy = false, final = false, hopeless = false } = {}) {
    super(message);
    Object.assign(this, { gone, busy, final, hopeless });
  }
}

export class Transfer {
  constructor(file, url, token, onProgress) {
    Object.assign(this, { file, url, token, onProgress, id: "", received: 0, stopped: false });
  }

  /** Send what is missing; the id once the file is there and was checked. */
  async run() {
    this.stopped = false;
    if (this.id) await this.#locate();
    if (!this.id) await this.#begin();
    while (this.received < this.file.size) {
      await this.#patiently(() => this.#part());
    }
    this.onProgress(this.file.size, true);
    await this.#patiently(() => this.#ask("POST", `${this.id}/complete/`));
    return this.id;
  }

  /** Break off now; what is there stays there. */
  stop() {
    this.stopped = true;
    this.request?.abort();
  }

  /** Take it back from the server, too. */
  async discard() {
    this.stop();
    if (this.id) await fetch(`${this.url}${this.id}/`, { method: "DELETE", headers: this.#headers() }).catch(() => {});
  }

  async #begin() {
    const body = JSON.stringify({ name: this.file.name, size: this.file.size });
    const answer = await this.#patiently(() => this.#ask("POST", "", body));
    this.id = answer.id;
    this.received = 0;
  }

  async #locate() {
    try {
      const answer = await this.#ask("GET", `${this.id}/`);
      this.received = answer.received;
    } catch (error) {
      if (!error.gone) throw error;
      this.id = "";
    }
  }

  async #part() {
    const from = this.received;
    const stretch = this.file.slice(from, from + PART);
    const answer = await this.#ask("PATCH", `${this.id}/`, stretch, { "Upload-Offset": String(from) }, (sent) =>
      this.onProgress(Math.min(from + sent, from + stretch.size), false),
    );
    this.received = answer.received;
  }

  /** Once more when only the connection broke, from where the server stands. */
  async #patiently(step) {
    for (let tried = 1, turns = 0; ; tried += 1) {
      try {
        return await step();
      } catch (error) {
        if (error.busy && !this.stopped && turns < TURNS) {
          turns += 1;
          tried -= 1;
          await new Promise((resume) => setTimeout(resume, PAUSE * (0.5 + Math.random())));
          continue;
        }
        if (error.final || error.gone || this.stopped || tried > TRIES) throw error;
        await new Promise((resume) => setTimeout(resume, Math.min(PAUSE * tried, 1200)));
        if (this.id) await this.#locate();
      }
    }
  }

  #headers(more = {}) {
    return { "X-CSRFToken": this.token, Accept: "application/json", ...more };
  }

  #ask(method, path, body = null, more = {}, sent = null) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open(method, this.url + path);
      for (const [name, value] of Object.entries(this.#headers(more))) request.setRequestHeader(name, value);
      if (sent) request.upload.addEventListener("progress", (event) => sent(event.loaded));
      request.addEventListener("load", () => {
        let answer = {};
        try {
          answer = JSON.parse(request.responseText);
        } catch {
          answer = {};
        }
        if (request.status < 300 && answer.id) resolve(answer);
        else reject(refusal(request.status, answer));
      });
      request.addEventListener("error", () => reject(new Refused("The connection broke.")));
      request.addEventListener("abort", () => reject(new Refused("Canceled.")));
      request.send(body);
    });
  }
}

function refusal(status, answer) {
  if (status === 404) return new Refused("The upload is not there any more. Try again.", { gone: true });
  if (status === 409) return new Refused(answer.detail ?? "The upload goes on at another place.");
  if (status >= 200 && status < 400) return new Refused("You are logged out. Log in again.", { final: true });
  if (status >= 500 && !answer.detail) return new Refused("The server can't take the file now.");
  if (answer.code === "uploads_busy") return new Refused(answer.detail, { busy: true });
  const hopeless = status === 400 && answer.code === "attachment_refused";
  return new Refused(answer.detail ?? "The file can't be uploaded.", { final: true, hopeless });
}
