import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MlmlError } from '../errors.js';
import { defaultKernelOptions } from '../kernel/options.js';
import { defaultOptions } from '../ssgd/options.js';
import { kernelOptionTable } from './kernelOptionTable.js';
import { type CommandName, commandNames } from './optionSpec.js';
import { importOptionsOf, optionsOf } from './optionsOf.js';
import { optionTable } from './optionTable.js';
import { parseArguments } from './parseArguments.js';
import { trainOptions, uselessOptions } from './trainSettings.js';

/** Words, and what the named option then is. */
const good: readonly (readonly [CommandName, readonly string[], string, unknown])[] = [
  ['ssgd', ['--buffer=1'], 'buffer', 1e6],
  ['ssgd', ['--buffer', '512KB'], 'buffer', 512_000],
  ['ssgd', ['--buffer=2GiB'], 'buffer', 2 ** 31],
  ['ssgd', ['--algo', 'block_shuffle'], 'algo', 'block_shuffle'],
  ['ssgd', ['--epochs=10'], 'epochs', 10],
  ['ssgd', ['--eta0=1e-6'], 'eta0', 1e-6],
  ['ssgd', ['--eta0=auto'], 'eta0', 'auto'],
  ['ssgd', ['--eta0', '.5'], 'eta0', 0.5],
  ['ssgd', ['--batch=auto'], 'batch', 'auto'],
  ['ssgd', ['--batch=32'], 'batch', 32],
  ['ssgd', ['--reg=0'], 'reg', 0],
  ['ssgd', ['--damp=1'], 'damp', 1],
  ['ssgd', ['--momentum=0.999'], 'momentum', 0.999],
  ['ssgd', ['--bias'], 'bias', true],
  ['ssgd', ['--no-bias'], 'bias', false],
  ['ssgd', ['--bias=false'], 'bias', false],
  ['ssgd', ['--no-bias=false'], 'bias', true],
  ['ssgd', ['--one-hot'], 'one-hot', true],
  ['ssgd', ['--one-hot=false'], 'one-hot', false],
  ['ssgd', ['--one-hot', 'false'], 'one-hot', false],
  ['ssgd', ['--one-hot', 'True'], 'one-hot', true],
  ['ssgd', ['--simulated'], 'simulated', true],
  ['ssgd', ['--logfreq=0'], 'logfreq', 0],
  ['ssgd', ['--seed=1', '--seed=2'], 'seed', 2],
  ['ssgd', ['--scratch=/a=b'], 'scratch', '/a=b'],
  ['import', ['--percentage=1'], 'percentage', 1],
  ['predict', ['--out', '-'], 'out', '-'],
  ['info', ['-h'], 'help', true],
  ['cg', ['--reg=0.5'], 'reg', [0.5]],
  ['cg', ['--reg', '1,0.1,1e-2'], 'reg', [1, 0.1, 0.01]],
  ['cg', ['--memId=a'], 'memId', 'a'],
  ['cg', ['--memid', 'a'], 'memId', 'a'],
  ['cg', ['--rank=auto'], 'rank', 'auto'],
  ['cg', ['--coef0=-1'], 'coef0', -1],
  ['closed', ['--mem-id=a', '--reg=1,2'], 'reg', [1, 2]],
  ['closed', ['--reg=1'], 'reg', 1],
  ['ssgd', ['--reg=1', '--memid', 'a'], 'reg', [1]],
  ['generate', ['--kernel=RBF'], 'kernel', 'RBF'],
  ['generate', ['--dtype=float16'], 'dtype', 'float16'],
  ['generate', ['--nu=2.5'], 'nu', '2.5'],
  ['prune', ['--tol=0'], 'tol', 0],
];

for (const [command, words, name, value] of good) {
  test(`${command} ${words.join(' ')}: ${name} is ${value}`, () => {
    assert.deepEqual(parseArguments(command, words).text(name), value);
  });
}

test('words that are no options keep their order; -- ends the options', () => {
  const given = parseArguments('predict', ['a', '--quiet', 'b', '--', '--json']);
  assert.deepEqual(given.positionals, ['a', 'b', '--json']);
  assert.equal(given.flag('quiet'), true);
  assert.equal(given.has('json'), false);
});

test('a flag does not take the next word, except --one-hot its true or false', () => {
  assert.deepEqual(parseArguments('ssgd', ['--simulated', 'true']).positionals, ['true']);
  assert.deepEqual(parseArguments('ssgd', ['--one-hot', 'mnist']).positionals, ['mnist']);
});

const bad: readonly (readonly [CommandName, readonly string[], string])[] = [
  ['ssgd', ['--bufer=1'], '--bufer: ssgd has no such option; did you mean --buffer?'],
  ['ssgd', ['--nobias'], '--nobias: ssgd has no such option; did you mean --no-bias?'],
  ['ssgd', ['--xyzzy'], '--xyzzy: ssgd has no such option; see mlml ssgd --help'],
  ['ssgd', ['-n=5'], '-n: ssgd has no such option; did you mean --n?'],
  [
    'evaluate',
    ['--percentage=0.5'],
    '--percentage: is not an option of evaluate, but of import; see mlml evaluate --help',
  ],
  ['info', ['--verify=maybe'], '--verify=maybe: is a flag; write --verify, --verify=true or --verify=false'],
  ['ssgd', ['--buffer'], '--buffer: needs a value; write --buffer=<MB>'],
  ['ssgd', ['--epochs', '--json'], '--epochs: needs a value; write --epochs=<count>'],
  ['ssgd', ['--eta0'], '--eta0: needs a value; write --eta0=auto|<number>'],
  [
    'ssgd',
    ['--buffer=lots'],
    '--buffer=lots: is not a size; write megabytes (10) or a number with a unit (512KB, 2GiB)',
  ],
  ['ssgd', ['--buffer=0'], '--buffer=0: must be at least one byte and at most 9 PB'],
  [
    'ssgd',
    ['--algo=external_shufle'],
    '--algo=external_shufle: must be one of external_shuffle, external_sort, block_shuffle, none; did you mean external_shuffle?',
  ],
  ['ssgd', ['--reshuffle=never'], '--reshuffle=never: must be one of epoch, once'],
  ['ssgd', ['--epochs=0'], '--epochs=0: must be a whole number of at least 1 and at most 1000000'],
  ['ssgd', ['--epochs=1.5'], '--epochs=1.5: must be a whole number of at least 1 and at most 1000000'],
  ['ssgd', ['--epochs=0x10'], '--epochs=0x10: must be a whole number of at least 1 and at most 1000000'],
  ['ssgd', ['--epochs='], '--epochs=: must be a whole number of at least 1 and at most 1000000'],
  ['ssgd', ['--eta0=-1'], '--eta0=-1: must be a number above 0 or auto'],
  ['ssgd', ['--eta0', '-1'], '--eta0=-1: must be a number above 0 or auto'],
  ['ssgd', ['--eta0=fast'], '--eta0=fast: must be a number above 0 or auto'],
  ['ssgd', ['--eta0=1e999'], '--eta0=1e999: must be a number above 0 or auto'],
  ['ssgd', ['--batch=0'], '--batch=0: must be a whole number of at least 1 and at most 65536 or auto'],
  ['ssgd', ['--reg=-0.1'], '--reg=-0.1: must be a number of at least 0'],
  ['ssgd', ['--reg=NaN'], '--reg=NaN: must be a number of at least 0'],
  ['ssgd', ['--momentum=1'], '--momentum=1: must be a number of at least 0 and at most 0.9999'],
  ['ssgd', ['--damp=0'], '--damp=0: must be a number above 0 and at most 1'],
  ['hsgd', ['--nthreads=2000'], '--nthreads=2000: must be a whole number of at least 1 and at most 1024'],
  ['import', ['--percentage=1.2'], '--percentage=1.2: must be a number above 0 and at most 1'],
  ['import', ['--out='], '--out=: must be a path, not empty'],
  ['ssgd', ['--reg=1,0.1'], '--reg=1,0.1: must be a number of at least 0'],
  ['cg', ['--reg=1,'], '--reg=1,: must be a number of at least 0, or several with commas between them'],
  ['cg', ['--reg=1,-1'], '--reg=1,-1: must be a number of at least 0, or several with commas between them'],
  ['cg', ['--memId='], '--memId=: must be something, not empty'],
  ['cg', ['--memIt=a'], '--memIt: cg has no such option; did you mean --memId?'],
  ['cg', ['--sigma=0'], '--sigma=0: must be a number above 0'],
  ['cg', ['--rank=-1'], '--rank=-1: must be a whole number of at least 0 and at most 1000000 or auto'],
  ['cg', ['--nu=2'], '--nu=2: must be one of 0.5, 1.5, 2.5'],
  ['generate', ['--dtype=uint8'], '--dtype=uint8: must be one of float16, float32, float64'],
  ['prune', ['--keep=0'], '--keep=0: must be a number above 0 and at most 1'],
  [
    'cg',
    ['--loss=softmax'],
    '--loss: is not an option of cg, but of closed, gd, sgd, ssgd, hsgd; see mlml cg --help',
  ],
  [
    'krr',
    ['--memId=a'],
    '--memId: is not an option of krr, but of closed, ssgd, cg, bcd; see mlml krr --help',
  ],
  [
    'closed',
    ['--kernel=rbf'],
    '--kernel: closed takes it only with --memId=<id>, a stored kernel: make one with mlml generate; cg, bcd, nystrom and krr do without',
  ],
  [
    'ssgd',
    ['--tol=1e-3'],
    '--tol: ssgd takes it only with --memId=<id>, a stored kernel: make one with mlml generate; cg, bcd, nystrom and krr do without',
  ],
  [
    'import',
    ['--dtype=uint7'],
    '--dtype=uint7: must be one of uint8, int8, int16, float16, float32, float64; did you mean uint8?',
  ],
];

for (const [command, words, message] of bad) {
  test(`${command} ${words.join(' ')} is refused`, () => {
    assert.throws(
      () => parseArguments(command, words),
      (error) => error instanceof MlmlError && error.code === 'MLML_USAGE' && error.message === message,
    );
  });
}

test('without options, training has its defaults', () => {
  assert.deepEqual(trainOptions(parseArguments('ssgd', [])), defaultOptions);
});

test('given options replace defaults and nothing else', () => {
  const words = ['--buffer=1', '--loss=softmax', '--no-bias', '--eta0=0.5', '--subset=7', '--scratch=tmp'];
  assert.deepEqual(trainOptions(parseArguments('ssgd', words)), {
    ...defaultOptions,
    bufferBytes: 1e6,
    loss: 'softmax',
    bias: false,
    eta0: 0.5,
    subset: 7,
    scratch: 'tmp',
  });
});

test('every training option has an entry of its own in the table', () => {
  const names = optionTable.map(({ name }) => name);
  // Verbs may have options of one name that are about different things, each with its own.
  for (const command of commandNames) {
    const own = optionTable.filter(({ verbs }) => verbs.includes(command)).map(({ name }) => name);
    assert.equal(new Set(own).size, own.length, command);
  }
  for (const name of Object.keys(defaultOptions)) {
    const written = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    assert.ok(names.includes(name === 'bufferBytes' ? 'buffer' : written), name);
  }
});

test('each verb has one entry for an option, of a linear and of a kernel job', () => {
  for (const command of commandNames) {
    const own = kernelOptionTable.filter(({ verbs }) => verbs.includes(command)).map(({ name }) => name);
    assert.equal(new Set(own).size, own.length, command);
    for (const kind of ['linear', 'kernel'] as const) {
      const names = optionsOf(command, kind).map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, `${command} ${kind}`);
    }
  }
});

test('every option of kernel training is known to each verb that solves', () => {
  for (const command of ['closed', 'ssgd', 'cg', 'bcd', 'nystrom', 'krr'] as const) {
    const names = optionsOf(command, 'kernel').map(({ name }) => name);
    for (const name of [...Object.keys(defaultKernelOptions), 'nthreads', 'sigma', 'gamma', 'nu']) {
      assert.ok(names.includes(name === 'bufferBytes' ? 'buffer' : name), `${command} --${name}`);
    }
  }
});

test('verbs that train take the options of imports too, but for those they have themselves', () => {
  for (const [command, kind] of [
    ['closed', 'linear'],
    ['closed', 'kernel'],
    ['ssgd', 'linear'],
    ['generate', 'kernel'],
    ['krr', 'kernel'],
  ] as const) {
    const own = optionsOf(command, kind).map(({ name }) => name);
    const others = importOptionsOf(command, kind).map(({ name }) => name);
    assert.deepEqual(
      others.filter((name) => own.includes(name)),
      [],
    );
    for (const { name } of optionsOf('import', 'linear'))
      assert.ok(
        /^(image-size|channels)$/.test(name) || [...own, ...others].includes(name),
        `${command} --${name}`,
      );
    const given = parseArguments(command, [
      ...(kind === 'kernel' && command === 'closed' ? ['--memId=a'] : []),
      'houses.csv',
      '--label=price',
      '--drop=id,note',
      '--no-header',
    ]);
    assert.equal(given.text('label'), 'price');
    assert.equal(given.flag('header'), false);
  }
  assert.deepEqual(importOptionsOf('import', 'linear'), []);
  assert.deepEqual(importOptionsOf('predict', 'linear'), []);
});

test('an option without effect on a verb is accepted and named', () => {
  const given = parseArguments('closed', ['mnist', '--momentum=0.5', '--d=784', '--reg=1']);
  assert.deepEqual(uselessOptions('closed', given, false), [
    '--momentum has no effect on closed, only on gd, sgd, ssgd, hsgd',
    '--d has no effect on a data set; it describes raw row files (--train)',
  ]);
  assert.deepEqual(uselessOptions('ssgd', parseArguments('ssgd', ['--d=784']), true), []);
});

test('--sweep takes the words name=value,value that follow it', () => {
  const expected = { reg: [0.0001, 0.001], eta0: [0.01, 0.1], loss: ['softmax', 'ridge'] };
  for (const line of [
    'mnist --sweep reg=1e-4,1e-3 eta0=0.01,0.1 loss=softmax,ridge --buffer=1',
    '--sweep=reg=1e-4,1e-3 eta0=0.01,0.1 loss=softmax,ridge mnist --buffer=1',
    '--sweep=reg=1e-4,1e-3 mnist --sweep eta0=0.01,0.1 --buffer=1 --sweep=loss=softmax,ridge',
  ]) {
    const given = parseArguments('ssgd', line.split(' '));
    assert.deepEqual(given.grid('sweep'), expected);
    assert.deepEqual(given.positionals, ['mnist']);
    assert.equal(given.number('buffer'), 1e6);
  }
  assert.deepEqual(parseArguments('ssgd', ['--sweep', 'eta0=auto']).grid('sweep'), { eta0: ['auto'] });
});

test('--sweep says what is wrong with its words', () => {
  for (const [line, message] of [
    ['--sweep', '--sweep: needs values; write --sweep <name>=<value>,<value> ...'],
    ['--sweep mnist', '--sweep: needs values; write --sweep <name>=<value>,<value> ...'],
    ['--sweep reg=1,x', '--sweep reg=x: must be a number of at least 0'],
    ['--sweep reg=1,', '--sweep reg=: must be a number of at least 0'],
    ['--sweep reg=', '--sweep reg=: must be a number of at least 0'],
    ['--sweep reg=1,-1', '--sweep reg=-1: must be a number of at least 0'],
    [
      '--sweep loss=softmax,rige',
      '--sweep loss=rige: must be one of ridge, softmax, logistic, hinge, squared_hinge, huber; did you mean ridge?',
    ],
    ['--sweep reg=1 reg=2', '--sweep reg=2: reg has its values already'],
    [
      '--sweep batch=1,2',
      '--sweep batch=1,2: must be <name>=<value>,<value> with one of loss, optimizer, schedule, eta0, momentum, reg, l1, damp, step',
    ],
    [
      '--sweep los=1',
      '--sweep los=1: must be <name>=<value>,<value> with one of loss, optimizer, schedule, eta0, momentum, reg, l1, damp, step; did you mean loss?',
    ],
    [
      '--sweep=5',
      '--sweep 5: must be <name>=<value>,<value> with one of loss, optimizer, schedule, eta0, momentum, reg, l1, damp, step',
    ],
  ] as const) {
    assert.throws(() => parseArguments('ssgd', line.split(' ')), { code: 'MLML_USAGE', message }, line);
  }
});
