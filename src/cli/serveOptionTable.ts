import type { OptionSpec } from './optionSpec.js';

/** Options of `serve` alone. */
export const serveOptionTable: readonly OptionSpec[] = [
  {
    name: 'host',
    kind: 'text',
    shape: '<address>',
    help: 'address to listen on; there is no authentication, so think before it is another',
    shownDefault: '127.0.0.1',
    verbs: ['serve'],
  },
  {
    name: 'port',
    kind: 'integer',
    min: 0,
    max: 65535,
    help: 'port to listen on; 0 picks a free one and tells it',
    shownDefault: '8080',
    verbs: ['serve'],
  },
  {
    name: 'max-body',
    kind: 'size',
    help: 'longest body of a request, in MB; 56 times that is set aside of --buffer',
    shownDefault: 'a hundredth of --buffer, at most 1',
    verbs: ['serve'],
  },
  {
    name: 'max-rows',
    kind: 'integer',
    min: 1,
    max: 1e9,
    help: 'most rows of a request',
    shownDefault: '10000',
    verbs: ['serve'],
  },
  {
    name: 'timeout',
    kind: 'number',
    min: 0,
    aboveMin: true,
    max: 86_400,
    help: 'seconds that a request may take to arrive, and an answer to be taken',
    shownDefault: '30',
    verbs: ['serve'],
  },
];
