import type { Template, TemplateParameter } from '../vendor-template/content.ts';

/** The choices of a request, in the words of the param `templateParameters`. */
export const choicesOf = {
  artifacts: ['sse-s3', 'sse-kms-aws-managed', 'sse-kms-customer-managed'],
  tracking: ['aws-owned', 'aws-managed', 'customer-managed'],
} as const;
export type Choosing = keyof typeof choicesOf;

const parts = (choosing: Choosing) => choicesOf[choosing].map((choice) => `${choosing}.${choice}`);
/** The parts of the param `templateParameters`, in the order of the file. */
export const partNames: readonly string[] = [
  'subscriber',
  'customToken',
  ...parts('artifacts'),
  ...parts('tracking'),
  'boundary',
];

/**
 * How sure a proposal is. `certain`: the template itself shows it, or the service says so. `likely`: names and descriptions say it, and nothing
 * speaks against it. `unsure`: it is asked for. `given`: somebody has answered.
 */
export type Sureness = 'certain' | 'likely' | 'unsure' | 'given';

/** What a part of the map is, with the reason. */
export interface Part {
  /** The values of the template's parameters, with `{userName}` and the like; null: the template does not offer it. */
  parameters: Readonly<Record<string, string>> | null;
  sureness: Sureness;
  why: string;
}

/** What stands for the custom token in the part `customToken`, which names a parameter only. */
export const tokenPlaceholder = '{customToken}';

export const byName = (template: Template): ReadonlyMap<string, TemplateParameter> =>
  new Map(template.parameters.map((parameter) => [parameter.name, parameter]));

/** The words of a name such as `S3KmsKeyArn`, in lower case. */
export const wordsOf = (name: string): string[] =>
  (name.match(/[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+/g) ?? []).map((word) => word.toLowerCase());
