import { expect, it } from '@jest/globals';
import { credentialFaults } from './credential-faults.ts';

const NAME = 'A name has 1 to 100 characters, not only spaces.';
const PASSWORD = 'A password has 12 to 256 characters.';

it.each([
  ['request-malformed', 'The request\'s body is not as expected. /name: expected a name of 1 to 100 characters.', { name: NAME }],
  ['request-malformed', 'The request\'s body is not as expected. /name: expected a name; /password: expected a password of at least 12 characters.', { name: NAME, password: PASSWORD }],
  ['credentials-malformed', 'Expected JSON with password.', { password: PASSWORD }],
  ['account-name-taken', 'This name is taken. Choose another; the link can still be used.', { name: 'This name is taken. Choose another; the link can still be used.' }],
])('%s is told at the fields at fault, without the protocol', (code, message, fields) => {
  expect(credentialFaults({ code, message })).toEqual({ fields });
});

it.each([['login-failed', 'Name or password is wrong.'], ['login-link-invalid', 'This one-time link is unknown.']])('%s is told as it is', (code, message) => {
  expect(credentialFaults({ code, message })).toEqual({ fields: {}, whole: message });
});

it('never shows a pointer nobody typed', () => {
  expect(credentialFaults({ code: 'request-malformed', message: 'The request\'s body is not as expected. /token: Too big.' }).whole).not.toContain('/');
});
