import type { Template } from '../vendor-template/content.ts';
import { nestedStacksOf } from '../vendor-template/read.ts';
import { boundaryByName, emailLikeness, encryptionByName, tokenByName, userNameByName } from './by-name.ts';
import { boundaryByResources, encryptionByResources, namedRoles } from './by-resources.ts';
import { type Choosing, choicesOf, type Part } from './part.ts';

/**
 * Proposes the param `templateParameters` for a template: by what its resources show, and where they show nothing, by names, allowed
 * values and descriptions. The vendor documents neither.
 * @returns the parts by their names, each with how sure it is; a part that is missing must be asked for
 */
export function proposeMap(template: Template): Map<string, Part> {
  const token = tokenByName(template);
  const boundary = boundaryByResources(template);
  const parts = new Map<string, Part>();
  const encryption = together(template, [...choices(template, 'artifacts'), ...choices(template, 'tracking')]);
  const ofBoundary =
    isShown(template, boundary?.parameters) && boundary !== undefined ? boundary : boundaryByName(template);
  const others = [token, ofBoundary, ...encryption.map(([, part]) => part)];
  const taken = new Set(others.flatMap((part) => Object.keys(part?.parameters ?? {})));
  const subscriber = subscriberOf(template, taken);
  if (subscriber !== undefined) parts.set('subscriber', subscriber);
  if (token !== undefined) parts.set('customToken', token);
  for (const [name, part] of encryption) parts.set(name, part);
  parts.set('boundary', ofBoundary);
  return parts;
}

/**
 * A parameter that decides about bucket and table is set by every choice of both, also to its default: a request whose choices want two
 * things of it is then refused, and gets nothing that it did not choose.
 */
function together(template: Template, parts: readonly [string, Part][]): [string, Part][] {
  const namesOf = (choosing: Choosing) =>
    new Set(
      parts.flatMap(([name, { parameters }]) => (name.startsWith(choosing) ? Object.keys(parameters ?? {}) : [])),
    );
  const shared = template.parameters.filter(
    ({ name }) => namesOf('artifacts').has(name) && namesOf('tracking').has(name),
  );
  if (shared.length === 0) return [...parts];
  const defaults = shared.flatMap(({ name, default: byDefault }) => (byDefault === null ? [] : [[name, byDefault]]));
  const why = `bucket and table have ${shared.map(({ name }) => name).join(', ')} in common`;
  return parts.map(([name, part]) => [
    name,
    part.parameters === null
      ? part
      : { ...part, parameters: { ...Object.fromEntries(defaults), ...part.parameters }, why: `${part.why}; ${why}` },
  ]);
}

/** What a template does not show may be in the stacks that it nests. */
const isShown = (template: Template, found: unknown) => Boolean(found) || nestedStacksOf(template).length === 0;

function choices(template: Template, choosing: Choosing): [string, Part][] {
  const shown = encryptionByResources(template, choosing);
  // Unlike a bucket that is always the same, several choices are an answer of their own.
  const isAnswer = shown !== undefined && (shown.size > 1 || isShown(template, undefined));
  const found = isAnswer && shown !== undefined && shown.size > 0 ? shown : encryptionByName(template, choosing);
  const what = choosing === 'artifacts' ? 'bucket' : 'table';
  const missing = (): Part =>
    isAnswer && (shown?.size ?? 0) > 0
      ? { parameters: null, sureness: 'certain', why: `no value of any parameter gives the ${what} this encryption` }
      : {
          parameters: null,
          sureness: found.size > 0 ? 'likely' : 'unsure',
          why: `no parameter offers it by its name, and the template shows no ${what} that says more`,
        };
  return choicesOf[choosing].map((choice) => [`${choosing}.${choice}`, found.get(choice) ?? missing()]);
}

function subscriberOf(template: Template, taken: ReadonlySet<string>): Part | undefined {
  const [role, other] = namedRoles(template);
  const userName: Part | undefined =
    role === undefined
      ? userNameByName(template, taken)
      : {
          parameters: { [role.parameter]: '{userName}' },
          sureness: role.isDocumented || other === undefined ? 'certain' : 'unsure',
          why: `the name of the role is ${role.prefix} and its value`,
        };
  if (userName === undefined) return undefined;
  const emails = template.parameters.filter(
    (parameter) =>
      parameter.default === null &&
      !taken.has(parameter.name) &&
      !Object.hasOwn(userName.parameters ?? {}, parameter.name) &&
      emailLikeness(parameter) === 'named',
  );
  const [email] = emails;
  if (emails.length !== 1 || email === undefined) return userName;
  return {
    parameters: { ...userName.parameters, [email.name]: '{emailId}' },
    // Of two reasons the weaker counts.
    sureness: userName.sureness === 'unsure' ? 'unsure' : 'likely',
    why: `${userName.why}; ${email.name} has e-mail in its name`,
  };
}
