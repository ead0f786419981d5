// SPDX-License-Identifier: ISC
// flow.mjs - the steps that many stories share.
// Here:       from the SMS to the list, opening a message, the settings.
// Elsewhere:  what a phone can do (phone.mjs), the neighbours (words.mjs).
// Called by:  stories.
import { CLINIC, mailbox, words } from './lib.mjs';

export const NUMBER = '+61412345678';
export const OTP_GLOB = '*@* #*';

/** A mail from the clinic, by way of its Postfix. */
export const write = (subject, text, number = NUMBER) =>
  words.mail(CLINIC, mailbox(number), subject, text);

/** The link of the SMS is tapped: the Nth notice to the number. */
export async function arrive(one, number = NUMBER, n = 1) {
  await one.open(await words.link(number, n));
}

/** The code is asked for, comes, and is typed: the page goes on by itself. */
export async function prove(one, number = NUMBER) {
  await one.press('welcome.send-code');
  await one.fill('code.label', await words.otp(number));
}

/** From the SMS to the messages. */
export async function register(one, number = NUMBER, n = 1) {
  await arrive(one, number, n);
  await prove(one, number);
}

/** The same for somebody who was told to come and enter the number. */
export async function registerByNumber(one, number = NUMBER) {
  await one.open('/');
  await one.fill('number.label', number);
  await prove(one, number);
}

/** The list of messages, from anywhere. */
export async function toList(one) {
  await one.link('nav.messages').click();
  await one.heading('inbox.title');
}

/** A message is tapped in the list, unless it is the only one: then it is there already. */
export async function read(one, subject, text) {
  const row = one.page.getByRole('link', { name: subject });
  const there = one.page.getByText(text);
  await row.or(there).first().waitFor();
  if (!await there.isVisible()) await row.click();
  await there.waitFor();
}
