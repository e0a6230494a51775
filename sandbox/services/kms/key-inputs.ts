import * as v from 'valibot';
import type { Access, Caller } from '../../core/operation.ts';
import type { KeyStore } from './key-store.ts';

export const KeyId = v.pipe(v.string(), v.minLength(1), v.maxLength(2048));
export const Policy = v.pipe(v.string(), v.regex(/^[\t\n\r\u0020-\u00FF]+$/));

/** What IAM is asked about an operation on the key that its input names. */
export const onKey =
  (store: Pick<KeyStore, 'find' | 'accessTo'>, operation: string) =>
  ({ KeyId: keyId }: { KeyId: string }, caller: Caller): Access[] => [
    store.accessTo(store.find(keyId), `kms:${operation}`, caller),
  ];
