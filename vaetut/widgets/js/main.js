// @ts-check
// The one script of all widgets: mounts those of a built page, and is the module that
// anywidget asks for.

import betaExplorer from "./beta_explorer.js";
import faceExplorer from "./face_explorer.js";
import gammaExplorer from "./gamma_explorer.js";
import latentExplorer from "./latent_explorer.js";
import lossLedger from "./loss_ledger.js";
import parameterLedger from "./parameter_ledger.js";
import polarExplorer from "./polar_explorer.js";
import radiusExplorer from "./radius_explorer.js";
import rotationExplorer from "./rotation_explorer.js";
import sheetExplorer from "./sheet_explorer.js";
import transectExplorer from "./transect_explorer.js";
import walkExplorer from "./walk_explorer.js";
import { beginLive, beginOnPage } from "./explorer.js";

const WIDGETS = [
  betaExplorer,
  faceExplorer,
  gammaExplorer,
  latentExplorer,
  lossLedger,
  parameterLedger,
  polarExplorer,
  radiusExplorer,
  rotationExplorer,
  sheetExplorer,
  transectExplorer,
  walkExplorer,
];

beginOnPage(WIDGETS);

export default { render: (view) => beginLive(WIDGETS, view) };
