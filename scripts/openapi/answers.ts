import * as v from 'valibot';
import type { Health } from '../../functions/get-health/get-health.ts';
import type { KeyStatus } from '../../functions/get-key/get-key.ts';
import type { Quotas } from '../../functions/get-quotas/get-quotas.ts';
import type { SubscriberStatus } from '../../functions/get-subscriber/get-subscriber.ts';
import type { SubscriberList } from '../../functions/list-subscribers/list-subscribers.ts';
import { previewSchema } from '../../lib/preflight/preview.ts';
import { operationSchema, statusSchema } from '../../lib/subscribers/operations.ts';
import { retainedSchema } from '../../lib/subscribers/record.ts';

// What the functions of the HTTP API answer. They build their answers and do not parse them: the types hold these schemas to what is built,
// and the workflow tests hold what is answered to these schemas.

/** A schema that has all that a function can answer: the compiler refuses one that lacks something. */
const answerOf =
  <Answer>() =>
  <Schema extends v.GenericSchema>(schema: Schema & (Answer extends v.InferInput<Schema> ? unknown : never)): Schema =>
    schema;

const text = (description: string) => v.pipe(v.string(), v.description(description));
const count = (description: string) => v.pipe(v.number(), v.description(description));
const time = (description: string) =>
  v.pipe(v.string(), v.description(description), v.metadata({ format: 'date-time' }));
const nullable = (description: string) => v.nullable(count(description));

const executionArn = text('The ARN of the execution in Step Functions');
const operation = v.pipe(operationSchema, v.description('What the execution does or did'));
const requester = {
  requestedBy: text('The ARN of who asked for the execution; `unknown` for one that was started directly'),
  correlationId: v.optional(text('By what the caller finds its request again')),
};

const failure = v.object({
  name: text("The error's name; docs/runbook.md has a section for each"),
  step: v.optional(text('The state that failed')),
  message: v.string(),
});

export const acceptedSchema = v.object({
  userName: v.string(),
  operation,
  status: statusSchema,
  executionArn,
  location: text('Where the status of the execution is read, as in the header Location'),
});

export const subscriberAnswerSchema = answerOf<SubscriberStatus>()(
  v.object({
    userName: v.string(),
    status: statusSchema,
    operation,
    executionArn,
    ...requester,
    step: v.optional(text('The state that runs now')),
    error: v.optional(v.object({ ...failure.entries, remedy: text('What to do next') })),
    credentialsSecretId: v.optional(text("The secret with the subscriber's credentials")),
    customTokenExpiresAt: v.optional(time('When the custom token ends')),
    home: v.optional(
      v.pipe(
        v.object({ accountId: v.string(), region: v.string() }),
        v.description('Where the stack is, or is to be, also when the request left the account to the deployment'),
      ),
    ),
    stackId: v.optional(v.string()),
    build: v.optional(text("The build of the vendor's template that the stack is of")),
    roleArn: v.optional(v.string()),
    keyArns: v.optional(v.pipe(v.array(v.string()), v.description('The keys that the role may use'))),
    users: v.optional(v.pipe(v.array(v.string()), v.description('The users who were added under the subscriber'))),
    retained: v.optional(v.pipe(v.array(retainedSchema), v.description('What offboardings have left'))),
    pausedLogins: v.optional(
      v.pipe(
        v.array(v.object({ userName: v.string(), until: v.optional(v.string()), reason: v.string() })),
        v.description('The logins that rest because too many were refused'),
      ),
    ),
    attempts: v.array(
      v.object({
        executionArn,
        operation,
        ...requester,
        startedAt: time('When the execution was started'),
        endedAt: v.optional(time('When it ended')),
        status: v.picklist(['RUNNING', 'SUCCEEDED', 'FAILED']),
        error: v.optional(failure),
      }),
    ),
  }),
);

export const listAnswerSchema = answerOf<SubscriberList>()(
  v.object({
    subscribers: v.array(
      v.object({
        userName: v.string(),
        status: statusSchema,
        operation,
        accountId: v.string(),
        region: v.string(),
        updatedAt: time('When the registry last changed'),
        startedAt: v.optional(time('When the execution was started')),
        executionArn,
        requestedBy: requester.requestedBy,
        error: v.optional(v.object({ name: v.string(), step: v.optional(v.string()) })),
        stackId: v.optional(v.string()),
        build: v.optional(text("The build of the vendor's template that the stack is of")),
        roleArn: v.optional(v.string()),
        keyArns: v.array(v.string()),
        users: count('How many users were added under the subscriber'),
      }),
    ),
    nextToken: v.optional(
      text(
        'Absent on the last page. A page may have fewer subscribers than it could, or none, and still not be the last',
      ),
    ),
  }),
);

export const keyAnswerSchema = answerOf<KeyStatus>()(
  v.object({
    keyArn: v.string(),
    accountId: v.string(),
    region: v.string(),
    policyBytes: nullable('The policy in force, without white space; null when it cannot be read'),
    limitBytes: v.nullable(v.number()),
    reservedBytes: nullable('What roles will take that are to come'),
    freeBytes: v.nullable(v.number()),
    subscribersThatFit: nullable("How many subscribers' roles fit, at least; null: any number, by a pattern of names"),
    grants: v.array(
      v.object({
        userName: v.optional(text('Absent of what only the policy has')),
        roleArn: v.string(),
        state: v.optional(v.picklist(['pending', 'applied', 'orphaned', 'withdrawn'])),
        statements: v.pipe(v.array(v.string()), v.description('The Sids of the statements that name it')),
      }),
    ),
    drift: v.nullable(
      v.array(
        v.variant('kind', [
          v.object({
            kind: v.picklist(['missingRole', 'unexpectedRole', 'orphanedId', 'lostStatement']),
            name: v.string(),
          }),
          v.object({ kind: v.literal('reason'), name: v.string(), message: v.string() }),
        ]),
      ),
    ),
    driftUnknown: v.optional(text('Why the drift is not known, and null')),
    policyBackups: count('How many earlier policies were kept'),
  }),
);

const unread = v.object({ error: v.object({ name: v.string(), message: v.string(), remedy: v.string() }) });
const namedError = v.object({ name: v.string(), message: v.string() });

const quotaSchema = v.object({
  name: v.string(),
  quotaCode: v.string(),
  scope: v.picklist(['account', 'region']),
  used: v.nullable(v.number()),
  limit: v.nullable(v.number()),
  free: v.nullable(v.number()),
  unit: v.string(),
  adjustable: v.literal(true),
  default: v.optional(v.object({ limit: v.number(), source: v.string() })),
  errors: v.optional(v.array(namedError)),
  reserve: v.optional(count('How many must stay free (param quotaReserve); absent where none need to')),
  subscribersThatFit: nullable(
    "How many subscribers' stacks fit, beside what must stay free; null when that is not known",
  ),
  askFor: text('What to ask AWS for when there is too little'),
});

const home = { accountId: v.string(), region: v.string() };

export const quotasAnswerSchema = answerOf<Quotas>()(
  v.object({
    accounts: v.array(
      v.union([
        v.object({
          ...home,
          quotas: v.array(quotaSchema),
          subscribersThatFit: v.nullable(v.number()),
          narrowest: v.nullable(v.string()),
        }),
        v.object({ ...home, ...unread.entries }),
      ]),
    ),
    keys: v.array(
      v.union([
        v.object({ keyArn: v.string(), freeBytes: v.number(), subscribersThatFit: v.nullable(v.number()) }),
        v.object({ keyArn: v.string(), ...unread.entries }),
      ]),
    ),
  }),
);

export const planAnswerSchema = previewSchema;

export const healthAnswerSchema = answerOf<Health>()(
  v.object({
    status: v.literal('ok'),
    version: text('The version of the project that is deployed'),
  }),
);

/** RFC 9457, with the members `name`, `remedy` and `errors`. */
export const problemSchema = v.object({
  type: text('The section of the error, as a URN: the page and its anchor'),
  title: v.string(),
  status: v.number(),
  detail: text('What is the matter'),
  instance: text('The request, by the id in the logs of the function'),
  name: text('The name of the error, which does not change'),
  remedy: text('What to do next'),
  executionArn: v.optional(text('The execution that is in the way')),
  errors: v.optional(
    v.pipe(
      v.array(
        v.object({
          pointer: v.optional(text('The place in the request (RFC 6901)')),
          detail: v.string(),
          name: v.optional(text('Of a plan: the error of this fault')),
          field: v.optional(text('Of a plan: the place for people')),
          remedy: v.optional(v.string()),
        }),
      ),
      v.description('Each place of the request that is wrong'),
    ),
  ),
});

/** What API Gateway answers itself. */
export const gatewaySchema = v.object({ message: v.string() });
