// SPDX-License-Identifier: ISC
// dom.js - elements made of text, and the few pieces that every page is built of.
// Here:       el(), buttons that wait, fields with their error, the status line, the
//             question before something is lost, the change from one page to the next.
// Elsewhere:  words (i18n.js), what is on a page (view_*.js).
// Called by:  main.js and the views.
//
// Nothing here reads HTML: what a sender wrote becomes text and nothing else.
import { t } from './i18n.js';

/** @typedef {Node|string|null|undefined|false|Array<any>} Child */

/**
 * An element. `onX` adds a listener, true an empty attribute; false, null and undefined
 * leave the attribute out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {{[name: string]: any}} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(name, attributes, ...children) {
  const made = document.createElement(name);
  const given = attributes || {};
  Object.keys(given).forEach((key) => {
    const value = given[key];
    if (key.slice(0, 2) === 'on') made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(key, value === true ? '' : String(value));
    }
  });
  add(made, children);
  return made;
}

/** @param {Node} parent @param {Child[]} children */
export function add(parent, children) {
  children.forEach((child) => {
    if (Array.isArray(child)) add(parent, child);
    else if (child instanceof Node) parent.appendChild(child);
    else if (child) parent.appendChild(document.createTextNode(child));
  });
}

/** In place of what was there. @param {Node} parent @param {...Child} children */
export function put(parent, ...children) {
  while (parent.firstChild) parent.removeChild(parent.firstChild);
  add(parent, children);
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

let names = 0;

/** A name for one element of this page. @param {string} stem */
export function fresh(stem) {
  names += 1;
  return `${stem}-${names}`;
}

/**
 * A button that cannot be pressed twice: while the promise of `act` is open it is busy.
 * @param {string} label
 * @param {() => any} act
 * @param {string} [kind] main, quiet or danger
 * @param {{[name: string]: any}} [attributes]
 */
export function button(label, act, kind, attributes) {
  const made = el('button', Object.assign({ type: 'button', class: kind || 'plain' },
    attributes), label);
  made.addEventListener('click', () => {
    if (made.getAttribute('aria-disabled')) return;
    const going = act();
    if (!going || !going.then) return;
    made.setAttribute('aria-disabled', 'true');
    const over = () => made.removeAttribute('aria-disabled');
    going.then(over, (/** @type {unknown} */ error) => { over(); failed(error); });
  });
  return made;
}

/** @type {(error: unknown) => void} */
let told = (error) => { throw error; };

/** What becomes of an error that no view took. @param {(error: unknown) => void} act */
export function onFailure(act) { told = act; }

/** @param {unknown} error */
export function failed(error) { told(error); }

/**
 * A label, its input, a hint, and a place for what is wrong with it.
 * @param {string} label
 * @param {HTMLInputElement|HTMLTextAreaElement|HTMLSelectElement} input
 * @param {string} [hint]
 */
export function field(label, input, hint) {
  const id = fresh('field');
  const error = el('p', { class: 'error', id: `${id}-error`, hidden: true });
  input.id = id;
  const described = hint ? `${id}-hint ${id}-error` : `${id}-error`;
  input.setAttribute('aria-describedby', described);
  return {
    box: el('div', { class: 'field' }, el('label', { for: id }, label),
      hint && el('p', { class: 'hint', id: `${id}-hint` }, hint), input, error),
    /** @param {string} text nothing: it is right */
    wrong(text) {
      put(error, text);
      error.hidden = !text;
      if (!text) input.removeAttribute('aria-invalid');
      else {
        input.setAttribute('aria-invalid', 'true');
        input.focus();
      }
    },
  };
}

/** A box to tick, all of its line to tap. @param {string} label @param {string} [hint]
 *  @param {boolean} [on] @param {(on: boolean) => void} [change] */
export function tick(label, hint, on, change) {
  const id = fresh('tick');
  const input = el('input', {
    type: 'checkbox', id, checked: on, 'aria-describedby': hint && `${id}-hint`,
    onchange: () => change && change(input.checked),
  });
  const box = el('div', { class: 'tick' }, input, el('label', { for: id }, label),
    hint && el('p', { class: 'hint', id: `${id}-hint` }, hint));
  return { box, input };
}

/** A question that opens to its answer. @param {string} question @param {...Child} answer */
export function more(question, ...answer) {
  return el('details', {}, el('summary', {}, question), el('div', {}, answer));
}

const SAID_MS = 20000;
let saying = 0;

/** Seen at the edge for a while, and read aloud. @param {string} [text] */
export function say(text) {
  clearTimeout(saying);
  put(byId('status'), text);
  if (text) saying = window.setTimeout(say, SAID_MS);
}

/**
 * The page becomes `children`; who cannot see hears its heading.
 * @param {...Child} children one h1 among them
 */
export function show(...children) {
  const page = byId('page');
  say();
  put(page, children);
  window.scrollTo(0, 0);
  const heading = page.querySelector('h1');
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus();
}

/** What the tab is called: never by what a message says, histories keep it.
 *  @param {string} name @param {string} owner */
export function title(name, owner) {
  document.title = owner ? `${name} · ${owner}` : name;
}

/**
 * Asks before something is lost.
 * @param {string} question
 * @param {string} explained
 * @param {string} yes the word on the button that does it
 * @returns {Promise<boolean>}
 */
export function confirmed(question, explained, yes) {
  const name = fresh('ask');
  const before = document.activeElement;
  return new Promise((resolve) => {
    const box = /** @type {any} */ (el('dialog', { 'aria-labelledby': name }));
    /** @param {boolean} answer */
    const close = (answer) => {
      if (!box.parentNode) return;
      box.parentNode.removeChild(box);
      if (before instanceof HTMLElement && document.contains(before)) before.focus();
      resolve(answer);
    };
    add(box, [el('h2', { id: name }, question), el('p', {}, explained),
      el('div', { class: 'row' }, button(yes, () => close(true), 'danger'),
        button(t('ask.no'), () => close(false)))]);
    box.addEventListener('cancel', () => close(false));
    document.body.appendChild(box);
    if (box.showModal) box.showModal();
    else { // browsers before 2022: over the page all the same
      box.setAttribute('open', '');
      box.querySelector('button').focus();
    }
  });
}
