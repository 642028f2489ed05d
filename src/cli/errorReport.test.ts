import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, errorCodes, MlmlError } from '../errors.js';
import { errorReport } from './errorReport.js';

test('each code is printed with its message and has its exit status', () => {
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    const { text, exitStatus } = errorReport(new MlmlError(code, 'what'), undefined, false);
    assert.equal(text, `${code}: what\n`);
    assert.equal(exitStatus, errorCodes[code].exitStatus);
  }
});

test('an unexpected error is one line with a hint, without a stack trace', () => {
  const { text, exitStatus } = errorReport(new TypeError('x is not\na function'), undefined, false);
  assert.equal(text, 'MLML_INTERNAL: x is not (this is a bug; set MLML_DEBUG=1 to see where)\n');
  assert.equal(exitStatus, 1);
  assert.equal(errorReport('thrown text', undefined, true).text, 'MLML_INTERNAL: thrown text\n');
});

test('MLML_DEBUG adds the stack trace', () => {
  assert.match(errorReport(new MlmlError('MLML_IO', 'x'), undefined, true).text, /^MLML_IO: x\n.*\n {4}at /);
});

test('a signal decides the exit status, whatever error it caused', () => {
  assert.deepEqual(errorReport(new Error('aborted'), 'SIGINT', false), {
    text: 'MLML_INTERRUPTED: stopped by SIGINT\n',
    exitStatus: 130,
  });
  assert.equal(errorReport(new Error('aborted'), 'SIGTERM', false).exitStatus, 143);
});

test('an interruption is told in one line, whatever the name of the run', () => {
  const error = new MlmlError('MLML_INTERRUPTED', 'stopped by SIGINT; to go on: mlml resume a\n\u001b[2Jb');
  const { text, exitStatus } = errorReport(error, 'SIGINT', false);
  assert.equal(text, 'MLML_INTERRUPTED: stopped by SIGINT; to go on: mlml resume a  [2Jb\n');
  assert.equal(exitStatus, 130);
});

test('a long message keeps its beginning and its end', () => {
  const error = new MlmlError('MLML_BAD_FILE', `model.json: kind is '${'x'.repeat(1e6)}'; train it anew`);
  const { text } = errorReport(error, undefined, false);
  assert.ok(text.length < 1700);
  assert.match(text, /^MLML_BAD_FILE: model\.json: kind is 'x+ … x+'; train it anew\n$/);
});
