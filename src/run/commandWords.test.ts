import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resumeCommand, withoutOptions } from './commandWords.js';

const without = (line: string) =>
  withoutOptions(line.split(' '), { flags: ['json', 'resume'], valued: ['out', 'checkpoint-every'] });

test('options go with their values, however they are written; what only looks like them stays', () => {
  const lines: readonly [string, string, string][] = [
    ['ssgd digits --out=a --json --epochs=2', 'ssgd digits --epochs=2', ''],
    ['ssgd --out a digits --no-json --checkpoint-every 7s', 'ssgd digits', ''],
    [
      'ssgd digits --json=false --resume --outer=1 --no-out --jsons',
      'ssgd digits --outer=1 --no-out --jsons',
      '',
    ],
    ['ssgd --epochs 3 --resume -- --out=a', 'ssgd --epochs 3', '-- --out=a'],
  ];
  for (const [line, words, rest] of lines) {
    const got = without(line);
    assert.deepEqual([got.words.join(' '), got.rest.join(' ')], [words, rest], line);
  }
});

test('the command that goes on can be given to a shell, whatever the name of the run', () => {
  const commands: Record<string, string> = {
    'runs/ssgd-2026-01-31T12-34-56': 'mlml resume runs/ssgd-2026-01-31T12-34-56',
    'ergebnisse/größe~2': 'mlml resume ergebnisse/größe~2',
    'my runs/$x': "mlml resume 'my runs/$x'",
    "it's": "mlml resume 'it'\\''s'",
    '~odd': "mlml resume '~odd'",
  };
  for (const [folder, command] of Object.entries(commands)) assert.equal(resumeCommand(folder), command);
});
