// SPDX-License-Identifier: ISC
// view_text.js - a text of a sender as he wrote it, with its links told honestly.
// Here:       which words are links; where one leads is shown before it opens.
// Elsewhere:  the rest of the message (view_message.js).
// Called by:  view_message.js, view_appointment.js.
import { button, el, put } from './dom.js';
import { t } from './i18n.js';

// Marks that turn the direction of text would let a link look like another.
const LINK = /https?:\/\/[^\s<>"'`\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/gi;
const TAIL = /[.,;:!?…)\]}»”’]+$/;

/** What turns letters around by force hides what is really there. @param {any} text */
export function clean(text) {
  return String(text || '').replace(/[\u202d\u202e]/g, '');
}

/** Without what ends the sentence; a bracket that the link opened stays.
 *  @param {string} found */
function trimmed(found) {
  const tail = TAIL.exec(found);
  if (!tail) return found;
  const bare = found.slice(0, tail.index);
  return tail[0][0] === ')' && bare.indexOf('(') >= 0 ? `${bare})` : bare;
}

/** @param {string} text @returns {URL|null} */
function address(text) {
  try {
    const url = new URL(text);
    return /^https?:$/.test(url.protocol) && url.host ? url : null;
  } catch (broken) {
    return null;
  }
}

/**
 * Text and links in turn, and the place where a tapped link says where it leads.
 * @param {string} text
 * @param {string} [lang] of the text, when it is known
 */
export function textBlock(text, lang) {
  const whole = clean(text);
  const box = el('div', { class: 'text', dir: 'auto', lang });
  const place = el('div', { 'aria-live': 'polite' });
  let at = 0;
  /** @param {string} piece */
  const plain = (piece) => { if (piece) box.appendChild(document.createTextNode(piece)); };
  whole.replace(LINK, (match, start) => {
    const found = trimmed(match);
    const url = address(found);
    if (!url) return '';
    plain(whole.slice(at, start));
    box.appendChild(link(found, url, place));
    at = start + found.length;
    return '';
  });
  plain(whole.slice(at));
  return [box, place];
}

/** @param {string} shown @param {URL} url @param {HTMLElement} place */
function link(shown, url, place) {
  return el('a', {
    href: url.href, rel: 'noopener noreferrer', target: '_blank', dir: 'ltr',
    onclick: (/** @type {Event} */ event) => {
      event.preventDefault();
      ask(url, place, /** @type {HTMLElement} */ (event.currentTarget));
    },
  }, shown);
}

/** The host as the network knows it: what stands before the at sign, or letters that
 *  only look alike, deceive nobody here. @param {URL} url @param {HTMLElement} place
 *  @param {HTMLElement} from */
function ask(url, place, from) {
  const open = el('a', { class: 'button', href: url.href, target: '_blank',
    rel: 'noopener noreferrer', onclick: () => put(place) },
    t('link.open', { host: url.host }));
  put(place, el('div', { class: 'card note' },
    el('p', {}, t('link.leaves'), ' ', el('strong', { dir: 'ltr' }, url.host)),
    el('div', { class: 'row' }, open,
      button(t('link.stay'), () => { put(place); from.focus(); }))));
  open.focus();
}
