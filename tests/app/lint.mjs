// SPDX-License-Identifier: ISC
// lint.mjs - what the page's files must not hold: language newer than the oldest browser
// that has WebCrypto, ways to turn text into HTML or script, and what others made.
// Prints "FILE:LINE: why" for each; nothing when all is well.
// Called by:  run.sh; by hand: node tests/app/lint.mjs [FOLDER]
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'acorn';

const root = process.argv[2] ?? fileURLToPath(new URL('../../templates/handset', import.meta.url));
const FUNCTION_LINES = 60;
const FILE_LINES = 400;

/** Names that make HTML or script of text. */
const FORBIDDEN = new Set(['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'write', 'writeln',
  'createContextualFragment', 'setHTMLUnsafe', 'parseFromString', 'srcdoc', 'eval', 'Function',
  'importScripts', 'cssText']);

/** What came after ES2018; import() is in every browser that has modules. */
const TOO_NEW = {
  ChainExpression: () => '?. is newer than ES2018',
  LogicalExpression: ({ operator }) => operator === '??' && '?? is newer than ES2018',
  MetaProperty: ({ meta }) => meta.name === 'import' && 'import.meta is newer than ES2018',
  CatchClause: ({ param }) => param === null && 'catch without a name is newer than ES2018',
  ExportAllDeclaration: ({ exported }) => exported && 'export * as is newer than ES2018',
  Literal: ({ bigint }) => bigint && 'BigInt is newer than ES2018',
};

let file = '';

function tell(line, why) { console.log(`${file}:${line}: ${why}`); }

function* nodes(node) {
  if (node === null || typeof node !== 'object') return;
  if (typeof node.type === 'string') yield node;
  for (const [name, child] of Object.entries(node)) {
    if (name !== 'loc') yield* nodes(child);
  }
}

function nameOf(node) {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  return '';
}

/** "style" and "onclick" as attributes: the page's CSP refuses the first, and its el()
 *  makes listeners of the second. */
function checkCall({ callee, arguments: words, loc }) {
  const called = nameOf(callee.property ?? callee);
  if (called === 'setAttribute' && /^(style|on.*)$/i.test(nameOf(words[0] ?? {}))) {
    tell(loc.start.line, `the attribute ${nameOf(words[0])} is set`);
  }
  if (/^set(Timeout|Interval)$/.test(called) && /Literal$/.test(words[0]?.type)) {
    tell(loc.start.line, `${called} of a text`);
  }
}

function checkImport({ source, loc }, path) {
  if (!source) return;
  if (source.type !== 'Literal' || !/^\.\/[a-z0-9_]+\.js$/.test(source.value)) {
    tell(loc.start.line, 'only files beside this one are imported');
    return;
  }
  readFileSync(join(dirname(path), source.value));
}

function checkNode(node, path) {
  const { line } = node.loc.start;
  const why = TOO_NEW[node.type]?.(node);
  if (why) tell(line, why);
  if (FORBIDDEN.has(nameOf(node))) tell(line, `${nameOf(node)} makes HTML or script of text`);
  if (node.type === 'CallExpression') checkCall(node);
  if (/^(Import|ExportNamed|ExportAll)(Declaration|Expression)$/.test(node.type)) {
    checkImport(node, path);
  }
  const lines = node.loc.end.line - line;
  if (/Function/.test(node.type) && lines > FUNCTION_LINES) tell(line, `a function of ${lines} lines`);
}

function checkScript(path, text) {
  const head = text.split('\n', 8).join('\n');
  if (!head.startsWith('// SPDX-License-Identifier: ISC\n')) tell(1, 'no licence line');
  if (!/^\/\/ Here:/m.test(head)) tell(2, 'the head does not say what is here');
  if (text.split('\n').length > FILE_LINES) tell(FILE_LINES, 'a long file');
  try {
    const sourceType = path.endsWith('/sw.js') ? 'script' : 'module';
    const tree = parse(text, { ecmaVersion: 2020, sourceType, locations: true });
    for (const node of nodes(tree)) checkNode(node, path);
  } catch (error) {
    tell(error.loc?.line ?? 1, error.message);
  }
}

const MARKUP = [
  [/\sstyle\s*=/i, 'a style attribute'], [/<style/i, 'an inline style'],
  [/\son[a-z]+\s*=/i, 'an inline listener'], [/<script(?![^>]*\ssrc=)/i, 'an inline script'],
  [/javascript:/i, 'a script in a link'], [/(src|href)\s*=\s*["']?(https?:)?\/\//i, 'a file of others'],
  [/<base/i, 'another base'],
];

function checkMarkup(text) {
  text.split('\n').forEach((line, i) => {
    MARKUP.forEach(([pattern, why]) => { if (pattern.test(line)) tell(i + 1, why); });
  });
}

function checkStyle(text) {
  text.split('\n').forEach((line, i) => {
    if (/url\(|@import|expression\(/i.test(line)) tell(i + 1, 'a style that fetches');
  });
}

for (const folder of ['', 'js']) {
  for (const name of readdirSync(join(root, folder)).sort()) {
    const path = join(root, folder, name);
    file = join(folder, name);
    if (name.endsWith('.js')) checkScript(path, readFileSync(path, 'utf8'));
    if (name.endsWith('.html')) checkMarkup(readFileSync(path, 'utf8'));
    if (name.endsWith('.css')) checkStyle(readFileSync(path, 'utf8'));
  }
}
