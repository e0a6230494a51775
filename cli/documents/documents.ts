import * as v from 'valibot';
import { policyBackupSchema } from '../../lib/keys/policy-backups.ts';
import { previewSchema } from '../../lib/preflight/preview.ts';
import { keyRoomSchema, quotasSchema } from '../aws/room.ts';
import { subscriberSchema } from '../aws/subscribers.ts';
import { changeLine, executionDocument, logLine, logsDocument, statusDocument } from './execution.ts';
import { document, failed, openDocument, succeeded } from './parts.ts';
import { deployDocument, doctorDocument, initDocument, rebuildDocument, removeDocument } from './stage.ts';

type Schema = v.GenericSchema<unknown, unknown>;

const keyPoliciesDocument = v.union([
  document({
    ...succeeded,
    keyArn: v.string(),
    room: v.pipe(
      v.nullable(
        v.union([
          keyRoomSchema,
          v.strictObject({ error: v.strictObject({ name: v.string(), message: v.string(), remedy: v.string() }) }),
        ]),
      ),
      v.description('Null of a key that the deployment does not know, and of a deployment that does not say.'),
    ),
    policies: v.array(
      v.looseObject({
        ...v.omit(policyBackupSchema, ['policy']).entries,
        changes: v.nullable(v.strictObject({ added: v.number(), removed: v.number(), changed: v.number() })),
      }),
    ),
  }),
  // With --show.
  openDocument({
    ...succeeded,
    keyArn: v.string(),
    ...policyBackupSchema.entries,
    policy: v.unknown(),
    inForce: v.unknown(),
    difference: v.nullable(v.array(v.string())),
  }),
  // With --restore.
  document({
    ...succeeded,
    keyArn: v.string(),
    policyId: v.string(),
    changed: v.boolean(),
    previousPolicyId: v.nullable(v.string()),
    refusedRoles: v.array(v.strictObject({ roleArn: v.string(), name: v.string(), message: v.string() })),
    before: v.optional(v.unknown()),
    after: v.optional(v.unknown()),
  }),
  failed({ keyArn: v.nullable(v.string()) }),
]);

const templateDocument = v.union([
  document({
    ...succeeded,
    url: v.string(),
    bytes: v.number(),
    sha256: v.string(),
    parameters: v.array(
      v.strictObject({
        name: v.string(),
        type: v.string(),
        default: v.nullable(v.string()),
        allowedValues: v.nullable(v.array(v.string())),
        noEcho: v.boolean(),
      }),
    ),
    nestedStacks: v.array(v.string()),
    endpoint: v.nullable(v.string()),
  }),
  failed({ sha256: v.null() }),
]);

/** The schema of what each command prints with `--json`: of its one document, or of each of its lines. */
export const documents: ReadonlyMap<string, Schema> = new Map<string, Schema>([
  ['onboard', executionDocument],
  ['update', executionDocument],
  ['upgrade', executionDocument],
  ['add-user', executionDocument],
  ['offboard', executionDocument],
  ['plan', v.union([openDocument({ ...previewSchema.entries, error: v.null() }), failed({ hash: v.null() })])],
  [
    'api',
    v.union([
      document({
        httpStatus: v.number(),
        location: v.nullable(v.string()),
        retryAfter: v.nullable(v.string()),
        body: v.unknown(),
        error: v.null(),
      }),
      failed({}),
    ]),
  ],
  ['retry', executionDocument],
  ['redrive', executionDocument],
  [
    'list',
    v.union([
      document({
        subscribers: v.array(subscriberSchema),
        isCut: v.pipe(v.boolean(), v.description('Whether --limit has left some out.')),
      }),
      failed({ subscribers: v.null() }),
    ]),
  ],
  ['status', statusDocument],
  ['watch', changeLine],
  ['key-policies', keyPoliciesDocument],
  [
    'quotas',
    v.union([
      openDocument({ ...quotasSchema.entries, error: v.null() }),
      failed({ accounts: v.null(), keys: v.null() }),
    ]),
  ],
  ['template', templateDocument],
  ['logs', logsDocument],
  ['fault', v.union([document({ ...succeeded, faults: v.array(v.string()) }), failed({ faults: v.null() })])],
  ['init', initDocument],
  ['deploy', deployDocument],
  ['doctor', doctorDocument],
  ['rebuild-registry', rebuildDocument],
  ['remove', removeDocument],
  ['completion', v.union([document({ shell: v.string(), script: v.string() }), failed({})])],
  ['version', v.union([document({ version: v.string() }), failed({})])],
]);

/** The schema of each line that a command prints with `--jsonl`. */
export const lines: ReadonlyMap<string, Schema> = new Map<string, Schema>([
  ['list', openDocument(subscriberSchema.entries)],
  ['logs', logLine],
]);

/** What is printed when it is not known which command was meant. */
export const unknownDocument: Schema = failed({});
