// SPDX-License-Identifier: ISC
// views.d.ts - the shapes that the views share, known to all of them without an import.
// Here:       what every view is given, the steps to a device, the list as it is drawn.
// Elsewhere:  what comes from the server and from the session (types.d.ts).
// Called by:  the JSDoc of main.js and the views; tests/app checks them. It is not served.

/** What every view is given. */
interface App {
  info: import('./types').AppInfo | null;
  notice: import('./types').NoticeInfo | null; // of the link; null: none, or gone
  token: string; // of the link, '' without
  number: string; // as typed
  language: string; // that was chosen on this page, or ''
  shared: boolean; // a borrowed phone: nothing is kept
  why: string; // the page for strangers is shown: WHY of view_welcome.js
  pending: Pending | null;
  steps: Steps;
  strayLink: boolean; // it brought nothing: perhaps it is for another number
  update: boolean; // another version is ready
  session: typeof import('./session.js');
  owner(): string; // the operator's name
  directions(): string[]; // of the password that are offered, the first first
  here(): string; // the address: "messages", "message/ID", ...
  go(to: string, instead?: boolean): void;
  restart(): Promise<any>;
  registered(): Promise<void>; // there is a device now
  chooseLanguage(code: string): Promise<void>;
  leave(): Promise<void>;
  takeUpdate(): Promise<void>;
}

/** From a stranger to a phone with a key. */
interface Steps {
  begin(of: { notice?: string; number?: string }): Promise<void>; // has a code sent
  beginSms(of: { number?: string }): Promise<void>; // the other direction
  again(): Promise<void>; // the same once more
  proven(): void; // the number is
  over(): void; // the registration is
  otherNumber(): void;
}

/** A registration that goes on. */
type Pending = import('./types').Registration & {
  token: string; // of the link that it began with
  of: { notice?: string; number?: string };
  otp?: string; // direction handset: the page made it
  proven?: boolean;
};

/** The list of messages, also while another page is shown: who comes back finds it. */
interface ListView {
  list: HTMLElement;
  notes: HTMLElement; // what is said above it
  said: string; // there
  rows: Map<string, { row: HTMLElement; state: string }>; // by message; when to draw anew
  turn: number; // how often it was drawn
  scrolled: number; // to where it was left
}
