package dataset

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is the format of plain text: a document in each line.
const Text = "text"

// English, for Options.StopWords, leaves out common words of that language.
const English = "english"

// stopWords are the words of a language that tell nothing of what a text is about.
var stopWords = map[string]map[string]bool{English: wordSet(englishWords)}

func wordSet(text string) map[string]bool {
	set := make(map[string]bool)
	for _, word := range strings.Fields(text) {
		set[word] = true
	}
	return set
}

// englishWords has no words of less than three letters but in case these are wanted.
const englishWords = `
a am an as at be by do go he hi if in is it me my no of oh ok on or so to up us we
about above across after afterwards again against all almost alone along already also although always among
amongst and another any anybody anyhow anyone anything anyway anywhere are aren around aside away
became because become becomes becoming been before beforehand behind being below beneath beside besides between
beyond both but can cannot cant certain certainly could couldn did didn does doesn doing don done down during
each eight either eleven else elsewhere enough etc even ever every everybody everyone everything everywhere except
few fifteen fifth fifty first five for former formerly forty four from further furthermore
gave get gets getting give given gives goes going gone got had hadn has hasn have haven having hence her here hereafter
hereby herein hereupon hers herself him himself his hither how however hundred indeed instead into isn its itself
just keep kept last latter latterly least less lest let lets like likely made make makes making many may maybe meanwhile
merely might mine more moreover most mostly much must mustn myself namely near nearly neither never nevertheless next
nine nobody none nonetheless noone nor not nothing notwithstanding now nowhere off often once one ones only onto other
others otherwise ought our ours ourselves out outside over own per perhaps please put quite rather really said same saw
say says second see seem seemed seeming seems seen several shall shan she should shouldn since six sixty some somebody
somehow someone something sometime sometimes somewhat somewhere still such take taken tell ten than that the thee their
theirs them themselves then thence there thereafter thereby therefore therein thereof thereupon these they third this
those thou though three through throughout thus thy together too took toward towards twelve twenty twice two under
unless unlike until unto upon use used uses using usually various very via was wasn way well went were weren what
whatever when whence whenever where whereafter whereas whereby wherein whereupon wherever whether which whichever while
whither who whoever whole whom whose why will with within without won would wouldn yes yet you your yours yourself yourselves
`

// document adds the row of a line of text: how often it has each word. Words are the
// longest runs of letters, in lower case. A line without words is an empty row.
func (b *builder) document(text []byte, begin, end int) *fault {
	b.sparse.clear()
	b.wide = false
	o := &b.layout.options
	stop := stopWords[o.StopWords]
	for i := begin; i < end; {
		word, letters := b.unescaped[:0], 0
		at := i
		for i < end {
			c, n := rune(text[i]), 1
			if c >= utf8.RuneSelf {
				if c, n = utf8.DecodeRune(text[i:end]); c == utf8.RuneError && n == 1 {
					return faultf(i-begin, "this is not UTF-8: convert the text")
				}
			}
			i += n
			if !unicode.IsLetter(c) {
				break
			}
			word = utf8.AppendRune(word, unicode.ToLower(c))
			letters++
		}
		b.unescaped = word
		if letters < max(1, o.MinLength) || len(word) > maxWord || stop[string(word)] {
			continue
		}
		id, known, f := b.cats.id(0, word, at-begin)
		switch {
		case f != nil:
			f.what = strings.Replace(f.what, "categories", "words", 1)
			return f
		case !known:
			b.dropped++
		default:
			b.sparse.add(id, 1)
		}
	}
	return b.putSparse(false)
}

// sortRows puts the values of rows that end at ends in the order of their columns.
func sortRows[I uint16 | uint32](m *Matrix, idx []I, begin, end int, pairs *sparseRow) {
	for i := begin; i < end; i++ {
		lo, hi := int(m.ptr[i]), int(m.ptr[i+1])
		pairs.clear()
		for k := lo; k < hi; k++ {
			pairs.add(uint64(idx[k]), m.at(k))
		}
		pairs.sort(true)
		for k, id := range pairs.ids {
			idx[lo+k] = I(id)
			m.set(lo+k, pairs.values[k])
		}
	}
}
