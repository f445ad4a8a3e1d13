import test from 'node:test';
import { definePolicyTests } from './policy-tests.js';

definePolicyTests(test);
