// SPDX-License-Identifier: ISC
// phone.mjs - one person's browser: its size, its language, and all that it complains of.
// Here:       open, press, fill, see, by the words of the catalogue; what the console,
//             the page and the service worker report is kept and has to be announced.
// Elsewhere:  the words (catalogue.mjs), accessibility and pictures (look.mjs).
// Called by:  lib.mjs, stories.
import { pattern } from './catalogue.mjs';
import { look } from './look.mjs';

const SIZES = {
  phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  small: { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 800 } },
};

const PLACES = {
  en: ['en-AU', 'Australia/Sydney'],
  de: ['de-DE', 'Europe/Berlin'],
  es: ['es-ES', 'Europe/Madrid'],
  fr: ['fr-FR', 'Europe/Paris'],
  ar: ['ar-EG', 'Africa/Cairo'],
  zh: ['zh-CN', 'Asia/Shanghai'],
};

const WAIT_MS = 15000;

export class Phone {
  /**
   * language, size: see above; init: a function, or one and its argument, that runs
   * in each page before its own scripts; name: in pictures and failures; all else goes to newContext.
   */
  static async make(browser, url, { language = 'en', size = 'phone', name, init, ...rest }) {
    const [locale, timezoneId] = PLACES[language];
    const context = await browser.newContext({
      baseURL: url, locale, timezoneId, reducedMotion: 'reduce', ...SIZES[size], ...rest,
    });
    context.setDefaultTimeout(WAIT_MS);
    if (init) await context.addInitScript(...[init].flat());
    const made = new Phone(context, language, name ?? `${language}-${size}`);
    made.size = size;
    made.listen();
    made.page = await context.newPage();
    return made;
  }

  constructor(context, language, name) {
    this.context = context;
    this.name = name;
    this.heard = [];
    this.announced = [];
    this.language = language;
  }

  /** The words of a key, somewhere in a text; or, whole, all of it. */
  t(key, values) { return new RegExp(pattern(this.language, key, values)); }

  whole(key, values) { return new RegExp(`^(${pattern(this.language, key, values)})$`); }

  listen() {
    const on = (what, text) => this.hear(`${what}: ${text}`);
    this.context.on('weberror', (event) => {
      const { message, stack } = event.error();
      on('page error', `${message}\n${stack}`);
    });
    this.context.on('console', (message) => this.onConsole(message));
    this.context.on('serviceworker', (worker) => {
      worker.on('console', (message) => this.onConsole(message));
    });
  }

  onConsole(message) {
    if (message.type() !== 'error') return;
    const { url } = message.location();
    this.hear(`console: ${message.text()}${url ? ` (${url})` : ''}`);
  }

  hear(line) {
    // The first proof of a device has no nonce yet; the answer brings it.
    if (/status of 401 .*\/api\/v1\/(messages|devices)/s.test(line)) return;
    if (!this.announced.some((pattern) => pattern.test(line))) this.heard.push(line);
  }

  /** From now on such a complaint is what the story wants. */
  announce(...patterns) { this.announced.push(...patterns); }

  checkQuiet() {
    if (this.heard.length > 0) throw new Error(`${this.name} complains: ${this.heard[0]}`);
  }

  // -- what a person does

  open(path) { return this.page.goto(path); }

  /** The page is closed, and opened again at a path: nothing but what was kept is left. */
  async reopen(path = '/') {
    await this.page.close();
    this.page = await this.context.newPage();
    await this.page.goto(path);
  }

  button(key, values) {
    return this.page.getByRole('button', { name: this.whole(key, values) });
  }

  link(key, values) {
    return this.page.getByRole('link', { name: this.whole(key, values) });
  }

  field(key, values) { return this.page.getByLabel(this.whole(key, values)); }

  text(key, values) {
    return this.page.getByText(this.t(key, values)).filter({ visible: true }).first();
  }

  press(key, values) { return this.button(key, values).click(); }

  fill(key, what) { return this.field(key).fill(what); }

  /** Waits until the words of the key are to be read. */
  sees(key, values) { return this.text(key, values).waitFor(); }

  async seesNo(key, values) {
    if (await this.text(key, values).isVisible()) {
      throw new Error(`${this.name}: "${key}" is to be read`);
    }
  }

  /** Waits until this is the heading of the page. */
  heading(key, values) {
    return this.page.getByRole('heading', { level: 1, name: this.t(key, values) }).waitFor();
  }

  // -- what a test does

  /** The service worker has all files: the page opens without a connection. */
  workerReady() {
    return this.page.evaluate((ms) => new Promise((resolve, reject) => {
      navigator.serviceWorker.ready.then(() => resolve(true));
      setTimeout(() => reject(new Error('no service worker')), ms);
    }), WAIT_MS);
  }

  /** Nothing is wrong in the state that the page is in; name: of its picture. */
  look(state, options) { return look(this, state, options); }

  /** A picture; says where it is, or why there is none. */
  async shoot(path) {
    if (this.page.isClosed()) return 'the page is closed';
    try {
      await this.page.screenshot({ path, timeout: 5000 });
      return `${path} (${this.page.url()})`;
    } catch (error) {
      return `no picture: ${error.message}`;
    }
  }
}
