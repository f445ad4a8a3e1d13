import { test } from 'vitest';
import { definePolicyTests } from './policy-tests.js';

definePolicyTests(test);
