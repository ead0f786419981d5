// SPDX-License-Identifier: ISC
// i18n.js - the words of the page in the reader's language, and dates and sizes as
// that language writes them.
// Here:       which language, its catalogue (/lang/LANG.json), t() and its kin.
// Elsewhere:  the words themselves (lang/), where the choice is kept (main.js).
// Called by:  main.js, dom.js and the views.
//
// A catalogue maps a dotted name to a text, or to one text for each plural category of
// `n`. {words} in braces are replaced.

/** Each in its own words. @type {{[code: string]: string}} */
export const languages = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  fr: 'Français',
  ar: 'العربية',
  zh: '中文',
};

/** @type {{[name: string]: string|{[category: string]: string}}} */
let words = { // until they are there; and when they never come
  'error.title': 'That did not work',
  'error.any': 'Please try again.',
  'offline.error': 'There is no connection to the internet. Please try again.',
  'go.again': 'Try again',
};
let code = 'en';
let locale = 'en';

const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;
const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** @param {string} tag "de-AT" */
const codeOf = (tag) => tag.toLowerCase().split('-')[0];

/**
 * Loads a catalogue and turns the page to it.
 * @param {string} chosen by the owner, or ''
 * @param {string} last when the browser asks for no language that we have
 */
export async function languageStart(chosen, last) {
  const own = (navigator.languages || [navigator.language || '']).slice();
  const all = [chosen].concat(own, last, 'en').filter(Boolean).map(codeOf);
  code = all.find((one) => one in languages) || 'en';
  locale = own.find((tag) => codeOf(tag) === code) || code;
  const answer = await fetch(`/lang/${code}.json`);
  if (!answer.ok) throw new Error('no catalogue');
  words = await answer.json();
  const html = document.documentElement;
  html.lang = code;
  html.dir = code === 'ar' ? 'rtl' : 'ltr';
}

export function language() { return code; }

/** @param {string} name @param {any} n */
function phrase(name, n) {
  const found = words[name];
  if (!found) return name;
  if (typeof found === 'string') return found;
  const rules = typeof Intl.PluralRules === 'function';
  const category = rules ? new Intl.PluralRules(code).select(Number(n)) : 'other';
  return found[category] || found.other;
}

/** Text of the other direction must not turn the sentence around it. @param {any} value */
function inserted(value) {
  if (typeof value === 'number') return new Intl.NumberFormat(locale).format(value);
  const text = String(value).replace(TURNS, '');
  return RTL.test(text) !== (code === 'ar') ? `\u2068${text}\u2069` : text;
}

/** A text of the catalogue. @param {string} name @param {{[word: string]: any}} [values] */
export function t(name, values) {
  const given = values || {};
  return phrase(name, given.n).replace(/\{(\w+)\}/g,
    (all, word) => (word in given ? inserted(given[word]) : all));
}

/**
 * The same with elements in it.
 * @param {string} name
 * @param {{[word: string]: any}} values
 * @returns {Array<string|Node>}
 */
export function tWith(name, values) {
  return phrase(name, values.n).split(/(\{\w+\})/).map((piece) => {
    const word = piece.slice(1, -1);
    if (piece[0] !== '{' || !(word in values)) return piece;
    return values[word] instanceof Node ? values[word] : inserted(values[word]);
  });
}

/** @param {number} seconds @param {any} form */
function when(seconds, form) {
  const date = new Date(seconds * 1000);
  try {
    return new Intl.DateTimeFormat(locale, form).format(date);
  } catch (unknownZone) {
    return new Intl.DateTimeFormat(locale, Object.assign({}, form, { timeZone: 'UTC',
      timeZoneName: 'short' })).format(date);
  }
}

/** A day. @param {number} seconds @param {string} [zone] IANA */
export function dayText(seconds, zone) {
  return when(seconds, { weekday: 'long', day: 'numeric', month: 'long',
    year: 'numeric', timeZone: zone || undefined });
}

/** A day without its name. @param {number} seconds */
export function dateText(seconds) {
  return when(seconds, { day: 'numeric', month: 'long', year: 'numeric' });
}

/** A time of day. @param {number} seconds @param {string} [zone] IANA */
export function timeText(seconds, zone) {
  return when(seconds, { hour: 'numeric', minute: '2-digit',
    timeZone: zone || undefined });
}

/** Day and time. @param {number} seconds */
export function momentText(seconds) {
  return when(seconds, { day: 'numeric', month: 'long', year: 'numeric',
    hour: 'numeric', minute: '2-digit' });
}

/** For a list: the time today, else the day. @param {number} seconds */
export function shortText(seconds) {
  const date = new Date(seconds * 1000);
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return timeText(seconds);
  const year = date.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return when(seconds, { day: 'numeric', month: 'short', year });
}

/** @param {number} bytes */
export function sizeText(bytes) {
  const unit = bytes < 1e6 ? 'kB' : 'MB';
  const n = bytes / (bytes < 1e6 ? 1e3 : 1e6);
  const digits = n < 10 ? 1 : 0;
  const text = new Intl.NumberFormat(locale, { maximumFractionDigits: digits });
  return `${text.format(Math.max(n, 0.1))} ${unit}`;
}
