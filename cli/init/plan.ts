import { apiUrlOf, type Discovery } from '../../lib/infinstor/discovery.ts';
import type { Template } from '../vendor-template/content.ts';
import { nestedStacksOf, type ReadTemplate } from '../vendor-template/read.ts';
import { type Answers, answeredPart, answeredValue, answerText, mapId, paramId } from './answers.ts';
import { emailLikeness } from './by-name.ts';
import { customResourceFunctions, namedRoles, namePattern, usesOf } from './by-resources.ts';
import { type Part, partNames, type Sureness } from './part.ts';
import { proposeMap } from './propose.ts';

/** What is known of a new stage before anything is asked. */
export interface Known {
  /** The InfinStor service and what it says; undefined: nobody has named it yet. */
  service: { url: string; discovery: Discovery } | undefined;
  build: string;
  template: ReadTemplate;
  /** Where the template's builds are, and whether that is as usual. */
  templateBaseUrl: string;
  templateBucket: string;
  /** The sandbox that the stage is for; undefined: AWS. */
  sandbox: string | undefined;
  /** The Region of the deployment, if something says it. */
  region: { value: string; sureness: Sureness; why: string } | undefined;
  /** The defaults of the params, by their names. */
  defaults: Readonly<Record<string, string>>;
}

/** A param of the stage that is proposed, or was given. */
export interface Setting {
  name: string;
  value: string;
  sureness: Sureness;
  why: string;
}

/** What somebody must say. */
export interface Question {
  id: string;
  /** One sentence. */
  text: string;
  /** What is taken without an answer of one's own; null: there is nothing to propose. */
  proposal: string | null;
  why: string;
}

/** A line of the map: which parameter of the template gets what. */
export interface MapLine {
  param: string;
  /** Null: the template does not offer it. */
  parameter: string | null;
  value: string | null;
  sureness: Sureness;
  why: string;
}

/** A stage as far as it is decided. */
export interface Plan {
  settings: readonly Setting[];
  map: readonly MapLine[];
  /** What is still missing; empty: the stage can be written. */
  questions: readonly Question[];
  notes: readonly string[];
}

/**
 * Decides what a new stage is: what is known, with the answers so far in place of it, and what is still to be asked.
 * @throws CommandError named InvalidRequest for an answer that does not fit the template
 */
export function planStage(known: Known, answers: Answers): Plan {
  const { content } = known.template;
  const parts = partsOf(content, answers);
  const values = extraValues(content, parts, answers);
  const settings = new Map(settingsOf(known, parts, values).map((setting) => [setting.name, setting]));
  const proposed = openParams(known, parts, settings);
  for (const [id, value] of answers) {
    const [, name] = /^param (\w+)$/.exec(id) ?? [];
    if (name !== undefined) settings.set(name, { name, value, sureness: 'given', why: 'it was given' });
  }
  return {
    settings: [...settings.values()],
    map: mapLines(parts, values),
    questions: [
      ...proposed.filter(({ id }) => !answers.has(id)),
      ...partQuestions(parts),
      ...valueQuestions(content, parts, values),
    ],
    notes: notesOf(known, parts),
  };
}

function partsOf(template: Template, answers: Answers): Map<string, Part> {
  const proposed = proposeMap(template);
  return new Map(
    partNames.flatMap((name) => {
      const answer = answers.get(mapId(name));
      const part = answer === undefined ? proposed.get(name) : answeredPart(name, answer, template);
      return part === undefined ? [] : [[name, part] as const];
    }),
  );
}

/** Values that every subscriber's stack gets for parameters that no part sets. */
function extraValues(template: Template, parts: ReadonlyMap<string, Part>, answers: Answers): Map<string, string> {
  const own = parts.get('subscriber')?.parameters ?? {};
  return new Map(
    [...answers].flatMap(([id, value]) => {
      const [, name] = /^map subscriber\.(.+)$/.exec(id) ?? [];
      return name === undefined || Object.hasOwn(own, name)
        ? []
        : [[name, answeredValue(name, value, template)] as const];
    }),
  );
}

/** The param `templateParameters`, as far as it is known. */
function mapOfParts(parts: ReadonlyMap<string, Part>, values: ReadonlyMap<string, string>): object {
  const ofChoosing = (choosing: string) =>
    Object.fromEntries(
      [...parts].flatMap(([name, { parameters }]) => {
        const [, choice] = name.startsWith(`${choosing}.`) ? name.split('.') : [];
        return choice === undefined || parameters === null ? [] : [[choice, parameters] as const];
      }),
    );
  const boundary = parts.get('boundary')?.parameters ?? undefined;
  return {
    subscriber: { ...Object.fromEntries(values), ...parts.get('subscriber')?.parameters },
    customToken: Object.keys(parts.get('customToken')?.parameters ?? {}).join(),
    artifacts: ofChoosing('artifacts'),
    tracking: ofChoosing('tracking'),
    ...(boundary !== undefined && { boundary }),
  };
}

function settingsOf(known: Known, parts: ReadonlyMap<string, Part>, values: ReadonlyMap<string, string>): Setting[] {
  const { service, build, template, sandbox, region, defaults } = known;
  const weakest = [...parts.values()].some(({ sureness }) => sureness === 'likely') ? 'likely' : 'certain';
  const ofTemplate = 'the template shows it';
  const setting = (name: string, value: string | undefined, sureness: Sureness, why: string): Setting[] =>
    value === undefined || value === defaults[name] ? [] : [{ name, value, sureness, why }];
  const [role] = nestedStacksOf(template.content).length === 0 ? namedRoles(template.content) : [];
  const [functions, ...more] = customResourceFunctions(template.content);
  const always = (name: string, value: string, sureness: Sureness, why: string) => ({ name, value, sureness, why });
  return [
    ...(region === undefined ? [] : [always('region', region.value, region.sureness, region.why)]),
    ...(service === undefined
      ? []
      : [
          always('infinstorMlflowUrl', service.url, 'certain', 'get_version answers there'),
          ...(isInSandbox(known)
            ? setting('infinstorApiUrl', service.url, 'certain', 'a sandbox has both at one place')
            : []),
        ]),
    always(
      'superadminUserName',
      defaults.superadminUserName ?? '',
      'likely',
      'it is the usual one; the secret must have the same',
    ),
    ...setting('templateBaseUrl', known.templateBaseUrl, 'given', 'the template was read there'),
    ...setting('templateBucket', known.templateBucket, 'given', 'the template was read there'),
    always('defaultBuild', build, 'certain', 'the template was read'),
    always('builds', JSON.stringify({ [build]: template.sha256 }), 'certain', pinReason(sandbox)),
    ...(role === undefined ? [] : setting('roleNamePrefix', role.prefix, 'certain', ofTemplate)),
    ...(role === undefined ? [] : setting('rolePath', role.path, 'certain', ofTemplate)),
    ...setting('bucketNamePattern', namePattern(template.content, 'bucket'), 'certain', ofTemplate),
    ...setting('tableNamePattern', namePattern(template.content, 'table'), 'certain', ofTemplate),
    ...setting('stackUses', usesOf(template.content), 'certain', ofTemplate),
    ...(more.length > 0 || functions === undefined || isUsual(functions)
      ? []
      : setting('customResourceFunctions', withPartition(functions), 'certain', ofTemplate)),
    always(
      'templateParameters',
      JSON.stringify(mapOfParts(parts, values), undefined, 2),
      weakest,
      'see each of its parts',
    ),
  ];
}

const pinReason = (sandbox: string | undefined) =>
  sandbox === undefined
    ? 'it is the hash of the template that was read; compare it with the vendor, and read the template'
    : 'it is the hash of what a sandbox has, a stand-in: this stage is for a sandbox only';

/** The functions that the default allows. */
const isUsual = (arn: string) => /:function:infinstor/.test(arn);

const withPartition = (arn: string) => arn.replace(/^arn:\*:/, 'arn:${AWS::Partition}:');

export const urlQuestion = 'What is the URL of the InfinStor service? (https://mlflow.<your service>)';

/** The params that somebody must decide. */
function openParams(
  known: Known,
  parts: ReadonlyMap<string, Part>,
  settings: ReadonlyMap<string, Setting>,
): Question[] {
  const { service, template } = known;
  const nested = nestedStacksOf(template.content);
  const { transforms } = template.content;
  const elsewhere = [
    ...(nested.length > 0 ? [`nests stacks (${nested.join(', ')})`] : []),
    ...(transforms.length > 0 ? [`has the transforms ${transforms.join(', ')}`] : []),
  ].join(' and ');
  const question = (param: string, text: string, proposal: string | null, why: string): Question => ({
    id: paramId(param),
    text,
    proposal,
    why,
  });
  const boundary = parts.get('boundary');
  return [
    ...(settings.has('region')
      ? []
      : [
          question(
            'region',
            'In which Region is the deployment to be?',
            service?.discovery.region ?? null,
            'the service itself is there',
          ),
        ]),
    ...(service !== undefined ? [] : [question('infinstorMlflowUrl', urlQuestion, null, 'there is no default')]),
    ...(service === undefined || isInSandbox(known) || hasApi(service.discovery)
      ? []
      : [question('infinstorApiUrl', "What is the URL of the service's API?", null, 'get_version does not name it')]),
    ...(elsewhere === ''
      ? []
      : [
          question(
            'requirePinnedTemplate',
            'Is a template to be used of which parts lie elsewhere? ("false" allows it)',
            null,
            `it ${elsewhere}, which no hash covers`,
          ),
        ]),
    ...(transforms.length === 0
      ? []
      : [
          question(
            'allowedCapabilities',
            'Which capabilities may the template ask for?',
            null,
            'transforms need CAPABILITY_AUTO_EXPAND',
          ),
        ]),
    ...(boundary?.parameters === null
      ? [
          question(
            'requirePermissionsBoundary',
            'May the template create roles without a permissions boundary? ("false" allows it)',
            null,
            boundary.sureness === 'given' ? 'nothing gives them one' : boundary.why,
          ),
        ]
      : []),
  ];
}

/** A sandbox has InfinStor's hosts at one place, whatever `get_version` names. */
const isInSandbox = ({ sandbox, service }: Known) =>
  sandbox !== undefined && service?.url.startsWith(`${sandbox}/`) === true;

function hasApi(discovery: Discovery): boolean {
  try {
    return apiUrlOf(discovery, '') !== '';
  } catch {
    return false;
  }
}

function partQuestions(parts: ReadonlyMap<string, Part>): Question[] {
  return partNames.flatMap((name) => {
    const part = parts.get(name);
    // That there is no boundary is a question of the param that requires one.
    if (part !== undefined && (part.sureness !== 'unsure' || (name === 'boundary' && part.parameters === null)))
      return [];
    return [
      {
        id: mapId(name),
        text: textOfPart(name),
        proposal: part === undefined ? null : answerText(name, part),
        why: part?.why ?? 'no parameter is like it',
      },
    ];
  });
}

function textOfPart(name: string): string {
  const [choosing, choice] = name.split('.');
  const words = '(PARAMETER=VALUE,…; `defaults`: nothing is set; `none`: the template does not offer it)';
  switch (choosing) {
    case 'subscriber':
      return "Which parameter takes the subscriber's name? (PARAMETER={userName})";
    case 'customToken':
      return 'Which parameter takes the custom token?';
    case 'artifacts':
      return `What sets the encryption ${choice} of the bucket? ${words}`;
    case 'tracking':
      return `What sets the encryption ${choice} of the table? ${words}`;
    default:
      return 'What gives the role a permissions boundary? (PARAMETER={boundaryArn},…; `none`)';
  }
}

/** The parameters without a default that no request would set. */
function valueQuestions(
  template: Template,
  parts: ReadonlyMap<string, Part>,
  values: ReadonlyMap<string, string>,
): Question[] {
  const always = ['subscriber', 'customToken', 'boundary'].flatMap((name) =>
    Object.keys(parts.get(name)?.parameters ?? {}),
  );
  const ofChoosing = (choosing: string) =>
    [...parts].flatMap(([name, { parameters }]) =>
      name.startsWith(choosing) && parameters !== null ? [Object.keys(parameters)] : [],
    );
  const isSet = (name: string) =>
    always.includes(name) ||
    values.has(name) ||
    ['artifacts.', 'tracking.'].some((choosing) => {
      const choices = ofChoosing(choosing);
      return choices.length > 0 && choices.every((names) => names.includes(name));
    });
  return template.parameters
    .filter((parameter) => parameter.default === null && !isSet(parameter.name))
    .map((parameter) => {
      const { name, type, allowedValues, description } = parameter;
      const isOfSome = [...ofChoosing('artifacts.'), ...ofChoosing('tracking.')].some((names) => names.includes(name));
      const facts = [type, ...(allowedValues === null ? [] : [`one of ${allowedValues.join(', ')}`]), description];
      return {
        id: mapId(`subscriber.${name}`),
        text: `What does the parameter ${name} get? (${facts.filter(Boolean).join('; ')})`,
        proposal: emailLikeness(parameter) === undefined ? (isOfSome ? '' : null) : '{emailId}',
        why: isOfSome ? 'some choices of encryption do not set it' : 'it has no default, and nothing sets it',
      };
    });
}

function mapLines(parts: ReadonlyMap<string, Part>, values: ReadonlyMap<string, string>): MapLine[] {
  const ofParts = [...parts].flatMap(([name, { parameters, sureness, why }]): MapLine[] => {
    const param = `templateParameters.${name}`;
    const entries = Object.entries(parameters ?? {});
    if (entries.length === 0)
      return [{ param, parameter: null, value: parameters === null ? null : '', sureness, why }];
    return entries.map(([parameter, value]) => ({
      param,
      parameter,
      value: name === 'customToken' ? null : value,
      sureness,
      why,
    }));
  });
  const given = [...values].map(([parameter, value]) => ({
    param: 'templateParameters.subscriber',
    parameter,
    value,
    sureness: 'given' as const,
    why: 'it was given',
  }));
  return [...ofParts, ...given];
}

function notesOf({ service, template, sandbox }: Known, parts: ReadonlyMap<string, Part>): string[] {
  const [token] = Object.keys(parts.get('customToken')?.parameters ?? {});
  const isShown = template.content.parameters.some(({ name, noEcho }) => name === token && !noEcho);
  return [
    ...(service?.discovery.isExternalAuth === 'true'
      ? [
          'The service logs users in elsewhere (isExternalAuth): the superadmin and each subscriber need a password in its user pool.',
        ]
      : []),
    ...(isShown
      ? [
          `${token} is not NoEcho: who may describe the stack can read the custom token (requireNoEcho: "true" refuses such a template).`,
        ]
      : []),
    ...(sandbox === undefined
      ? []
      : [`The template is the stand-in of the sandbox at ${sandbox}: the stage is for a sandbox only.`]),
  ];
}
