// SPDX-License-Identifier: ISC
// types.d.ts - the shapes of what the modules of the page hand each other.
// Here:       what the server says, what a message holds, what the views see.
// Called by:  the JSDoc of the modules; tests/app checks them. It is not served.

// -- what the server says (openapi.yaml)

export interface AppInfo {
  operator: string;
  contact: string; // may be ''
  hash: string; // of all files of this page (app.json)
  otp_digits: number;
  directions: Array<'server' | 'handset'>;
  region: string; // ISO 3166 or ''
  push_key: string | null; // base64url
}

export interface NoticeInfo {
  operator: string;
  brand: string | null;
  color: string | null;
  logo: string | null;
  language: string;
  ending: string; // the last digits of the number
  waiting: number;
}

export interface Registration {
  registration: string; // its id
  otp_digits: number;
  expires: number; // UNIX seconds
  check?: string; // the password is compared here: registrationOtp does it
  sms_to?: string; // direction handset
  sms_text?: string; // direction handset; has {otp}
}

/** A message as the server has it; times are UNIX seconds, 0: not yet. */
export interface Entry {
  id: string;
  created: number;
  expires: number;
  fetched: number;
  read: number;
  parts: number;
  jwe: any;
}

export interface Page {
  messages: Entry[];
  more: boolean;
  held?: boolean;
  closed?: number; // on the first page
  reply_key: any; // or null
}

export interface DeviceInfo {
  id: string;
  type: 'browser' | 'installed' | 'program' | 'shared';
  label: string;
  created: number;
  seen: number;
  this: boolean; // the one that asks
  held?: boolean;
}

export interface Subscription {
  endpoint: string;
  p256dh: string; // base64url
  auth: string; // base64url
}

// -- this phone

export interface PublicJwk {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
}

export interface Keys {
  encryption: CryptoKeyPair; // ECDH
  signing: CryptoKeyPair; // ECDSA
  kid: string; // thumbprint of the encryption key
  encryptionJwk: PublicJwk;
  signingJwk: PublicJwk;
}

/** This phone, as the server knows it. */
export interface Device {
  id: string; // 32 hex digits; '' before the server has given one
  keys: Keys;
  type: 'browser' | 'installed' | 'shared'; // shared: in memory only
  label: string;
  created: number; // UNIX seconds, by this phone's clock
  registration?: string; // that it comes of, until the server has given an id
}

/** How a device is to be. */
export interface Wish {
  type: 'browser' | 'installed' | 'shared'; // shared: nothing is kept
  label: string; // at most 60 bytes
}

export interface Status {
  started: boolean; // sessionStart is over
  offline: boolean; // the last call found no server
  refreshing: boolean;
  refreshed: number; // when the list was last whole, UNIX seconds, 0: never
  held: boolean; // the number is told of this device first; ask again
  lost: boolean; // the server does not know this device any more
  canReply: boolean; // the server said what replies are sealed to
  closed: number; // messages of this handset that only other devices open
  canKeep: boolean; // this browser keeps keys and messages
}

/** What on() may be asked for, and what comes with it. */
export interface Events {
  messages: undefined; // the list, or something in it, is another: messages()
  status: Status; // something in it is another
  device: Device | null; // registered, or forgotten
  lost: undefined; // the server does not know this device; register() goes on
  replaced: undefined; // another page of this browser has registered anew
}

// -- a message

/** What was sealed: see manifest.js. */
export interface Manifest {
  id: string;
  from: { brand: string; address: string; color: string | null; logo: string | null };
  subject: string;
  date: number; // UNIX seconds
  text: string;
  text_cut: boolean; // the text was longer
  conversation: string;
  language: string;
  parts: Part[];
  appointment: Appointment | null;
}

/** An attachment; type and name are the sender's. */
export interface Part {
  n: number; // from 1
  type: string; // media type
  name: string; // may be ''
  size: number; // bytes
  chunk: number; // bytes of clear text in each chunk
  key: string; // base64url
  sha256: string; // base64url, of the ciphertext
}

export interface Appointment {
  method: 'REQUEST' | 'PUBLISH' | 'CANCEL';
  uid: string;
  sequence: number;
  summary: string;
  start: number; // UNIX seconds
  end: number; // UNIX seconds, 0: not said
  all_day: boolean; // start and end are midnights of UTC, only the dates count
  floating: boolean; // no zone is known: the clock of UTC shows what was written
  zone: string; // IANA name or ''
  location: string;
  organizer: string; // a mail address or ''
  description: string;
}

export type Answer = 'accepted' | 'declined' | 'tentative';

/** What a view says; answer: to the appointment of the message. */
export interface Said {
  text: string;
  answer?: Answer;
}

/** What is sealed of it. */
export interface Reply extends Said {
  subject: string;
  uid?: string; // of the appointment
}

/** What the views show; a new object whenever something changes. */
export interface Message {
  id: string;
  created: number; // UNIX seconds
  expires: number; // UNIX seconds: then the server's copy goes
  read: number; // UNIX seconds, 0: not yet
  state: 'sealed' | 'open' | 'broken'; // sealed: not opened yet; broken: does not open
  manifest: Manifest | null; // when it is open
  kept: boolean; // on this phone
  gone: boolean; // the server's copy is gone, or was when last asked
  replies: Array<{ at: number; text: string; answer: Answer | null }>; // since the page was loaded
}
