import * as v from 'valibot';

/** What tests refer to. */
const known: Readonly<Record<string, string>> = {
  REGISTRY_TABLE: 'registry',
  EVENT_BUS: 'results',
  DEPLOYMENT_ID: '111111111111/us-east-1/infinstor-onboarding-test',
  SECRET_PREFIX: 'infinstor/test/',
  KMS_KEY_ARN: '',
  ALLOWED_STACK_PARAMETERS: '',
  ALLOWED_TAG_KEYS: '',
  STACK_NAME_PREFIX: 'infinstor-subscriber-',
  ROLE_NAME_PREFIX: 'RoleForInfinStorMlflowService-',
  ROLE_PATH: '/infinstor/',
  DEFAULT_BUILD: '2.3.72',
  KEY_POLICY_WRITERS: 'arn:aws:iam::111111111111:role/patch-key-policy',
  STACK_REGIONS: 'us-east-1',
  STACK_EVENT_REGIONS: 'us-east-1',
  STACK_TIMEOUT_MINUTES: '60',
  STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:111111111111:stateMachine:onboard-subscriber',
};

/** Of the others' values the first that the variable's schema accepts, beside the options that it lists itself. */
const samples = ['value', '{}', '14', 'https://service.example', 'CAPABILITY_IAM'];

/**
 * An environment in which a function starts, made from the schema that the function parses its environment with.
 * @param values of variables whose value matters to the test
 * @throws Error when a variable needs a value from the test
 */
export function environmentOf<Entries extends v.ObjectEntries>(
  schema: v.ObjectSchema<Entries, undefined>,
  values: { [Name in keyof Entries]?: string } = {},
): Record<keyof Entries & string, string> {
  const given: Readonly<Record<string, string | undefined>> = values;
  const environment = Object.entries(schema.entries).map(
    ([name, entry]) => [name, given[name] ?? valueFor(name, entry)] as const,
  );
  const made: Record<string, string> = Object.fromEntries(environment);
  if (!isOf(schema, made)) throw new Error('A variable is missing');
  return made;
}

function isOf<Entries extends v.ObjectEntries>(
  schema: v.ObjectSchema<Entries, undefined>,
  environment: Record<string, string>,
): environment is Record<keyof Entries & string, string> {
  return Object.keys(schema.entries).every((name) => environment[name] !== undefined);
}

function valueFor(name: string, entry: v.ObjectEntries[string]): string {
  const value = [known[name] ?? [], options(entry), samples]
    .flat()
    .find((sample) => v.safeParse(entry, sample).success);
  if (value === undefined) throw new Error(`No sample fits the schema of ${name}: the test must give a value`);
  return value;
}

/** What the schema lists, as `v.picklist` and a pipe that begins with one do. */
function options(entry: v.ObjectEntries[string]): string[] {
  const first: unknown = 'pipe' in entry && Array.isArray(entry.pipe) ? entry.pipe[0] : entry;
  const listed = v.safeParse(v.object({ options: v.array(v.string()) }), first);
  return listed.success ? listed.output.options : [];
}
