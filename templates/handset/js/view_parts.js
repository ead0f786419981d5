// SPDX-License-Identifier: ISC
// view_parts.js - the files of a message.
// Here:       which are shown in the page and which are only saved; blobs and their end.
// Elsewhere:  fetching and decrypting (session.js, parts.js).
// Called by:  view_message.js.
//
// Only pictures, sound and film are shown, by the type that is named here: whatever else
// a sender calls his file, it is saved as bytes and never becomes a page.
import { button, el, put, say } from './dom.js';
import { sizeText, t } from './i18n.js';
import { JweError } from './jwe.js';

const IMAGE = /^image\/(jpeg|png|gif|webp|avif)$/;
const SOUND = /^audio\/(mpeg|mp4|aac|ogg|webm|wav|x-wav|flac)$/;
const FILM = /^video\/(mp4|webm|ogg|quicktime)$/;
const AT_ONCE = 4 << 20; // larger pictures wait for a tap

/** Blobs of the page that is shown. @type {string[]} */
let blobs = [];

/** Those of the last page can go. */
function partsForget() {
  blobs.forEach((url) => URL.revokeObjectURL(url));
  blobs = [];
}

/** @param {BlobPart} bytes @param {string} type */
function blobUrl(bytes, type) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  blobs.push(url);
  return url;
}

/** Without marks that turn or hide letters: "gpj.exe" shall not read "exe.jpg".
 *  @param {import('./types').Part} part */
function nameOf(part) {
  const name = String(part.name || '').replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g, '').trim();
  if (name) return name;
  return /^text\/calendar/.test(part.type) ? 'calendar.ics'
    : t('part.nameless', { n: part.n });
}

/** @param {App} app @param {import('./types').Manifest} manifest */
export function partsBlock(app, { id, parts }) {
  partsForget();
  return el('section', { 'aria-labelledby': 'parts-title' },
    el('h2', { id: 'parts-title' }, t('message.parts')),
    parts.map((part) => partBlock(app, id, part)));
}

/** @param {App} app @param {string} id @param {import('./types').Part} part */
function partBlock(app, id, part) {
  const name = nameOf(part);
  const size = sizeText(part.size);
  const box = el('div', { class: 'part' });
  const get = () => app.session.part(id, part.n);
  const kind = [IMAGE, SOUND, FILM].findIndex((types) => types.test(part.type));
  const saved = button(t('part.save', { name, size }), () => guarded(name, async () => {
    save(await get(), name);
  }));
  if (kind < 0) {
    put(box, saved);
    return box;
  }
  const show = () => guarded(name, async () => {
    put(box, el('p', { class: 'wait' }, t('part.loading', { name })));
    try {
      put(box, shown(kind, await get(), part.type, name), saved);
    } catch (error) {
      put(box, offer, saved);
      throw error;
    }
  });
  const offer = button(t('part.show', { name, size }), show);
  if (kind === 0 && part.size <= AT_ONCE) show();
  else put(box, offer, saved);
  return box;
}

/** What fails is said; it takes nothing else with it. @param {string} name
 *  @param {() => Promise<void>} act */
async function guarded(name, act) {
  try {
    await act();
  } catch (error) {
    say(t(error instanceof JweError ? 'part.broken' : 'part.failed', { name }));
  }
}

/** @param {number} kind @param {Uint8Array} bytes @param {string} type
 *  @param {string} name */
function shown(kind, bytes, type, name) {
  const src = blobUrl(/** @type {any} */ (bytes), type);
  if (kind === 0) {
    const image = el('img', { src, alt: name, onerror: () => {
      image.replaceWith(el('p', { class: 'dim' }, t('part.unshown', { name })));
    } });
    return image;
  }
  return el(kind === 1 ? 'audio' : 'video',
    { src, controls: true, preload: 'metadata', 'aria-label': name, playsinline: true });
}

/** @param {Uint8Array} bytes @param {string} name */
function save(bytes, name) {
  const link = el('a', { download: name,
    href: blobUrl(/** @type {any} */ (bytes), 'application/octet-stream') });
  document.body.appendChild(link);
  link.click();
  document.body.removeChild(link);
  say(t('part.saved', { name }));
}
