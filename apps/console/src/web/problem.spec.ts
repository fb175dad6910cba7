import { expect, it } from '@jest/globals';
import { endsSession } from './problem.ts';

it.each([[401, 'session-missing', true], [401, 'session-unknown', true], [401, 'login-failed', false], [403, 'session-unknown', false], [502, 'analytics-failed', false], [0, 'no-answer', false]])('%s %s ends the session: %s', (status, code, ends) => {
  expect(endsSession({ status, code })).toBe(ends);
});
