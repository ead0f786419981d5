// SPDX-License-Identifier: ISC
// view_start.js - the steps from a stranger to a phone with a key, and the page of each.
// Here:       which step it is; what is remembered of it when an old phone drops the page
//             while its owner reads the SMS.
// Elsewhere:  the pages (view_welcome.js, view_code.js, view_sms.js, view_key.js).
// Called by:  main.js.
import { registrationStart } from './api.js';
import { NoStorage } from './db.js';
import * as session from './session.js';
import { failed } from './dom.js';
import { codeView, overView } from './view_code.js';
import { deviceLabel, deviceType, keyFailedView, keyView } from './view_key.js';
import { kindOf } from './view_problem.js';
import { numberView, welcomeView } from './view_welcome.js';

const MEMORY = 'pending';

/** For this tab only, and never on a borrowed phone. @param {App} app */
function remember(app) {
  try {
    if (app.pending && !app.shared) {
      sessionStorage.setItem(MEMORY, JSON.stringify(app.pending));
    } else sessionStorage.removeItem(MEMORY);
  } catch (refused) { // then it is as on any other phone that drops a page
  }
}

/** @param {App} app */
export function strangerResume(app) {
  try {
    const pending = JSON.parse(sessionStorage.getItem(MEMORY) || 'null');
    if (!pending || pending.token !== app.token) return;
    if (pending.expires * 1000 < Date.now()) return;
    app.pending = pending;
    app.number = pending.of.number || '';
    const step = pending.otp ? 'sms' : 'code';
    if (app.here() !== step) history.pushState(null, '', `${location.pathname}#${step}`);
    if (pending.proven) app.steps.proven();
  } catch (refused) { // nothing to go on with
  }
}

/** The page of the step that the address names. @param {App} app */
export function strangerView(app) {
  const { pending } = app;
  const step = app.here();
  if (pending && pending.proven) return;
  if (step === 'code' && pending && !pending.otp) codeView(app, pending);
  else if (step === 'sms') smsStep(app).catch(failed);
  else if (app.why || step === 'number' || !app.token) numberView(app, app.why);
  else welcomeView(app);
}

/** Few need it: it is loaded when it is. @param {App} app */
async function smsStep(app) {
  const { smsNumberView, smsView } = await import('./view_sms.js');
  if (app.here() !== 'sms') return;
  if (app.pending && app.pending.otp) smsView(app, app.pending);
  else smsNumberView(app);
}

/** 10 letters of a-z and 2-7: 50 bits that nobody guesses in time. */
function ownPassword() {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from(crypto.getRandomValues(new Uint8Array(10)),
    (byte) => letters[byte & 31]).join('');
}

/** @param {App} app @param {Pending|null} pending */
function goOn(app, pending) {
  app.pending = pending;
  remember(app);
}

/** @param {App} app @returns {Steps} */
export function stepsOf(app) {
  /** @param {{notice?: string, number?: string}} of */
  const begin = async (of) => {
    const made = await registrationStart({ direction: 'server', notice: of.notice,
      number: of.number });
    goOn(app, Object.assign({ of, token: app.token }, made));
    app.go('code', app.here() === 'code');
  };
  /** @param {{number?: string}} of */
  const beginSms = async ({ number }) => {
    if (!number) {
      goOn(app, null);
      app.go('sms');
      return;
    }
    const made = await registrationStart({ direction: 'handset', number });
    goOn(app, Object.assign({ of: { number }, token: app.token, otp: ownPassword() }, made));
    app.go('sms', app.here() === 'sms');
  };
  return {
    begin,
    beginSms,
    async again() {
      const { pending } = app;
      if (pending) await (pending.otp ? beginSms(pending.of) : begin(pending.of));
    },
    proven() {
      if (!app.pending) return;
      app.pending.proven = true;
      remember(app);
      enrol(app, app.pending);
    },
    over: () => overView(app),
    otherNumber() {
      goOn(app, null);
      app.go('number');
    },
  };
}

/** Keys are made, and the server gets the public ones. @param {App} app
 *  @param {Pending} pending */
async function enrol(app, pending) {
  keyView(app);
  try {
    await session.register(pending.registration,
      { type: deviceType(app.shared), label: deviceLabel() });
  } catch (error) {
    if (kindOf(error) === 'registration-closed') overView(app);
    else {
      keyFailedView(app, error, () => enrol(app, pending), error instanceof NoStorage ? () => {
        app.shared = true;
        return enrol(app, pending);
      } : undefined);
    }
    return;
  }
  goOn(app, null);
  await app.registered();
}
