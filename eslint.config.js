import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["vaetut/widgets/bundle.js", "_build/", "node_modules/"] },
  js.configs.recommended,
  { files: ["vaetut/widgets/js/**"], languageOptions: { globals: globals.browser } },
  { files: ["vaetut/widgets/build.mjs", "tests/js/**"], languageOptions: { globals: globals.node } },
  {
    rules: {
      "eqeqeq": "error",
      "no-unused-expressions": "off",
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
];
