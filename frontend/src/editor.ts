// The text view of a tariff: CodeMirror over the text area of the form, which keeps its value for the form.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { text } from "./office/strings";

export interface Mark {
  line: number;
  message: string;
}

export interface DocumentEditor {
  replace(value: string): void;
  mark(faults: Mark[]): void;
  goTo(line: number): void;
  isSame(entries: [string, string][]): boolean;
}

const COLOURS = HighlightStyle.define([
  { tag: tags.comment, color: "var(--tblr-secondary)", fontStyle: "italic" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--tblr-link-color)" },
  { tag: tags.string, color: "var(--state-good)" },
  { tag: [tags.punctuation, tags.squareBracket, tags.brace, tags.separator], color: "var(--tblr-secondary)" },
]);

const LOOK = EditorView.theme({
  "&": { fontSize: "0.8438rem", backgroundColor: "var(--tblr-bg-forms)", color: "var(--tblr-body-color)" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--tblr-font-monospace)", maxBlockSize: "70dvh", minBlockSize: "18rem" },
  ".cm-gutters": { backgroundColor: "var(--tblr-bg-surface-secondary)", color: "var(--tblr-secondary)", border: "0" },
  ".cm-content": { caretColor: "var(--tblr-body-color)" },
  ".cm-cursor": { borderLeftColor: "var(--tblr-body-color)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--row-hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--nav-current)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--tblr-bg-surface)",
    color: "var(--tblr-body-color)",
    border: "1px solid var(--tblr-border-color)",
  },
});

function nonce(): string {
  return document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
}

export function startEditor(
  area: HTMLTextAreaElement,
  told: { onEdit: () => void; onSave: () => void },
): DocumentEditor {
  const save = () => {
    told.onSave();
    return true;
  };
  const view = new EditorView({
    state: EditorState.create({
      doc: area.value,
      extensions: [
        EditorView.cspNonce.of(nonce()),
        lineNumbers(),
        lintGutter(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        bracketMatching(),
        indentUnit.of("  "),
        yaml(),
        syntaxHighlighting(COLOURS),
        LOOK,
        EditorState.readOnly.of(area.readOnly),
        EditorView.contentAttributes.of({
          "aria-label": `${area.dataset.label ?? ""}. ${text("leave_editor")}`,
          spellcheck: "false",
        }),
        // Tab moves on to the next control, as everywhere on the page.
        keymap.of([{ key: "Mod-s", run: save, preventDefault: true }, ...defaultKeymap, ...historyKeymap]),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          if (!update.view.composing) told.onEdit();
        }),
        EditorView.domEventHandlers({ compositionend: () => void setTimeout(told.onEdit) }),
      ],
    }),
  });
  area.hidden = true;
  area.after(view.dom);
  const goTo = (wanted: number) => {
    const line = view.state.doc.line(Math.min(Math.max(1, wanted), view.state.doc.lines));
    view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
    view.focus();
  };
  const asked = /^#line-(\d+)$/.exec(location.hash);
  if (asked) goTo(Number(asked[1]));
  return {
    replace(value) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
    },
    mark(faults) {
      const found = faults.map(({ line, message }): Diagnostic => {
        const place = view.state.doc.line(Math.min(line, view.state.doc.lines));
        return { from: place.from, to: place.to, severity: "error", message };
      });
      found.sort((first, second) => first.from - second.from);
      view.dispatch(setDiagnostics(view.state, found));
    },
    goTo,
    isSame: (entries) => entries.find(([name]) => name === "document")?.[1].trimEnd() === area.value.trimEnd(),
  };
}
