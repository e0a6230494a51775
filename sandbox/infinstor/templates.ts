import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixtures } from '../core/account.ts';

/** The vendor's bucket with its templates. */
export interface Templates {
  /** The template that lies at a URL. */
  at(url: string): string | undefined;
  /** Puts a template there under a build of its own, by default the one for subscribers. */
  publish(build: string, template: string, file?: string): void;
  /** Our stand-in for the vendor's template, for variants of it. */
  readonly standIn: string;
}

const urlOf = (build: string, file = 'infinstor-setup-customer.yaml') =>
  `https://s3.amazonaws.com/infinstorcft/${build}/${file}`;

/** Publishes our stand-in under the build that the fixtures name. */
export function createTemplates(): Templates {
  const standIn = readFileSync(join(import.meta.dirname, 'infinstor-setup-customer.yaml'), 'utf8');
  const published = new Map([[urlOf(fixtures.build), standIn]]);
  return {
    at: (url) => published.get(url),
    publish: (build, template, file) => void published.set(urlOf(build, file), template),
    standIn,
  };
}
