// SPDX-License-Identifier: ISC
// catalogue.mjs - the words that the page should show, from its own catalogues.
// Here:       a key and its values become a pattern; a value that is not given may be
//             anything.
// Elsewhere:  how the page makes its words (templates/handset/js/i18n.js).
// Called by:  phone.mjs, look.mjs, stories.
import { readFileSync } from 'node:fs';

const read = new Map();

/** All words of a language, by key. */
export function wordsOf(language) {
  if (!read.has(language)) {
    const file = new URL(`../../templates/handset/lang/${language}.json`, import.meta.url);
    read.set(language, JSON.parse(readFileSync(file, 'utf8')));
  }
  return read.get(language);
}

const escaped = (text) => String(text).replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');

function phrases(language, key, n) {
  const found = wordsOf(language)[key];
  if (found === undefined) throw new Error(`${language}.json has no ${key}`);
  if (typeof found === 'string') return [found];
  if (n === undefined) return Object.values(found);
  return [found[new Intl.PluralRules(language).select(n)] ?? found.other];
}

/** The pattern of a text, as source: values may stand in isolates, see i18n.js. */
export function pattern(language, key, values = {}) {
  const value = (word) => (!(word in values) ? '.+'
    : `\\u2068?${escaped(typeof values[word] === 'number'
      ? new Intl.NumberFormat(language).format(values[word]) : values[word])}\\u2069?`);
  return phrases(language, key, values.n).map((phrase) => phrase.split(/(\{\w+\})/)
    .map((piece) => (/^\{/.test(piece) ? value(piece.slice(1, -1)) : escaped(piece)))
    .join('')).join('|');
}
