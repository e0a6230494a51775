/** A rule of the parsers that no published schema has: what breaks it alone is valid there, and refused here. */
export interface Exception {
  /** The rule, as the parsers word it. */
  rule: RegExp;
  why: string;
}

/** All of them. What else a parser refuses, the schema refuses as well, and nothing more. */
export const exceptions: readonly Exception[] = [
  {
    rule: /^must have each userName once/,
    why: 'JSON Schema compares whole items of a list, and neither one member of them nor without case',
  },
  {
    rule: /^must not have the subscriber's own userName$/,
    why: 'JSON Schema does not compare values of two places',
  },
  {
    rule: /^must be the one of the path, or be left out$/,
    why: 'JSON Schema does not compare values of two places, and neither of a body and a path',
  },
  {
    rule: /^must repeat subscriber\.userName/,
    why: 'OpenAPI does not compare two parameters',
  },
  {
    rule: /^has the keys .* which to IAM are one/,
    why: 'JSON Schema does not compare names of members',
  },
  {
    rule: /^must be at most (?:4,096 bytes|256 KiB)$/,
    why: 'JSON Schema counts characters of a string, and not bytes of UTF-8; nor the size of a whole request',
  },
  {
    rule: /^must be (?:at most 256 characters|a tag key of at most 128 characters)$/,
    why: 'The parsers count units of UTF-16, of which a character outside of the basic plane is two; JSON Schema counts characters',
  },
  {
    rule: /^must (?:name a secret below|not name a password that came through the HTTP API)/,
    why: "Which secrets a request may name is the deployment's, by its stage, and the subscriber's",
  },
  {
    rule: /^must not be the superadmin's user name$/,
    why: "Who the superadmin is is the deployment's",
  },
  {
    rule: /^must be one of (?:\d{12}|[a-z]{2,}-[a-z-]+-\d)/,
    why: "Which accounts and Regions there are is the deployment's",
  },
  {
    rule: /^is not allowed: the deployment's param/,
    why: "Which template parameters and tags a request may have is the deployment's",
  },
];

/** Whether a rule is one of those that no schema has. */
export const isException = (rule: string): boolean => exceptions.some((exception) => exception.rule.test(rule));
