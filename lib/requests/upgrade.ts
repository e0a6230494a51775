import * as v from 'valibot';
import { asJsonSchema } from '../as-json-schema.ts';
import {
  fields,
  foreignSecrets,
  type InputSecrets,
  inputSecretIdSchema,
  object,
  parseFields,
  userNameSchema,
} from './fields.ts';
import {
  buildSchema,
  type Chosen,
  encryptionSchema,
  parameterFaults,
  type RequestRules,
  stackParametersSchema,
} from './onboarding.ts';

/** A resource that an upgrade may replace or remove: its logical id, after those of the stacks that nest it, or its type. */
const allowedSchema = v.pipe(
  v.string('must be a string'),
  v.regex(
    /^(?:[A-Za-z0-9]{1,255}(?:\.[A-Za-z0-9]{1,255}){0,5}|[A-Za-z0-9]{1,64}(?:::[A-Za-z0-9]{1,64}){1,3})$/,
    'must be the logical id of a resource, such as ArtifactsBucket, or a type, such as AWS::S3::Bucket',
  ),
);

export interface UpgradeRequest {
  subscriber: { userName: string };
  /** Absent: what the request does not name stays as it is. */
  stack?: { build?: string | undefined; parameters?: Record<string, string> | undefined } | undefined;
  encryption?: Chosen['encryption'] | undefined;
  customTokenSecretId?: string | undefined;
  allow: string[];
}

type Parsed = v.InferOutput<typeof upgradeFields>;
type Changed = readonly [
  readonly ['stack', 'build'],
  readonly ['stack', 'parameters'],
  readonly ['encryption', 'artifacts'],
  readonly ['encryption', 'tracking'],
];

const upgradeFields = object(
  fields({
    subscriber: object(fields({ userName: userNameSchema })),
    stack: v.optional(
      object(fields({ build: v.optional(buildSchema), parameters: v.optional(stackParametersSchema) })),
    ),
    encryption: v.optional(encryptionSchema),
    customTokenSecretId: v.optional(inputSecretIdSchema),
    allow: v.optional(
      v.pipe(v.array(allowedSchema, 'must be a list'), v.maxLength(50, 'must have at most 50 entries')),
      [],
    ),
  }),
);

/** A request for the machine `upgrade-subscriber`, in itself. */
export const upgradeSchema = v.pipe(
  upgradeFields,
  asJsonSchema(
    v.partialCheck<Parsed, Changed, Parsed, string>(
      [
        ['stack', 'build'],
        ['stack', 'parameters'],
        ['encryption', 'artifacts'],
        ['encryption', 'tracking'],
      ],
      ({ stack, encryption }) =>
        [stack?.build, stack?.parameters, encryption?.artifacts, encryption?.tracking].some(
          (part) => part !== undefined,
        ),
      'must have stack.build, stack.parameters, encryption.artifacts or encryption.tracking: what is to change',
    ),
    {
      anyOf: [
        { required: ['stack'], properties: { stack: { required: ['build'] } } },
        { required: ['stack'], properties: { stack: { required: ['parameters'] } } },
        { required: ['encryption'], properties: { encryption: { required: ['artifacts'] } } },
        { required: ['encryption'], properties: { encryption: { required: ['tracking'] } } },
      ],
    },
  ),
);

/**
 * Checks what of a request for the machine `upgrade-subscriber` needs no knowledge of the deployment's params.
 * @param secrets the place whose secrets it may name, below the subscriber's own folder
 * @param rules what the deployment lets a request choose from; undefined where that is not known
 * @throws InvalidRequest naming each field and rule; never quoting a value
 */
export function checkUpgradeRequest(
  request: unknown,
  secrets: InputSecrets,
  rules?: Pick<RequestRules, 'allowedStackParameters'>,
): UpgradeRequest {
  return parseFields(upgradeSchema, request, (part) => {
    const secretId = part(['customTokenSecretId'], inputSecretIdSchema);
    const userName = part(['subscriber', 'userName'], userNameSchema);
    return [
      ...foreignSecrets(secrets, userName, [{ path: ['customTokenSecretId'], secretId }]),
      ...(rules === undefined ? [] : parameterFaults(part, rules)),
    ];
  });
}
