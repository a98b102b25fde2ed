//go:build unix

package leaks

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// repository makes a git repository with a script, in which KEY and SECRET are the test
// key, and returns its directory.
func repository(t *testing.T, script string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "r")
	cmd := exec.Command("/bin/sh", "-ec", "git init -q "+dir+"; cd "+dir+"\n"+script)
	cmd.Env = append(gitEnviron(), "KEY="+testID, "SECRET="+testSecret)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func gitEnviron() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Jo", "GIT_AUTHOR_EMAIL=jo@example.com", "GIT_COMMITTER_NAME=Jo", "GIT_COMMITTER_EMAIL=jo@example.com",
	}
}

func needGit(t *testing.T) Git {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		if os.Getenv("FOB_TEST_REQUIRE") == "1" {
			t.Fatal("git is needed (FOB_TEST_REQUIRE=1)")
		}
		t.Skip("SKIPPED: NO GIT HERE")
	}
	return Git{Path: path, Environ: gitEnviron()}
}

// inGit are the findings in git objects: place, kind and type.
func inGit(r Report) (all []string) {
	for _, f := range r.Findings {
		if f.Git != nil {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s:%d %s %s %t", f.Path, f.Line, f.Kind, f.Git.Type, f.Git.Reachable)))
		}
	}
	slices.Sort(all)
	return all
}

// A repository of somebody else's cannot have programs run, nor hide its objects.
func TestHostileRepository(t *testing.T) {
	git := needGit(t)
	mark := filepath.Join(t.TempDir(), "ran")
	for name, c := range map[string]struct{ script, want string }{
		"config": {`
			echo "$SECRET" > a; git add a; git commit -qm first; echo "$SECRET " > a; git add a
			touch ` + mark + `.sh
			for key in core.fsmonitor core.sshCommand core.pager core.editor core.askPass gpg.program diff.external credential.helper core.alternateRefsCommand diff.x.textconv diff.x.command filter.x.clean filter.x.smudge core.gitProxy; do
				git config $key "touch ` + mark + `; false"
			done
			git config log.showSignature true
			git config core.hooksPath "$PWD/hooks"; mkdir hooks
			for hook in pre-commit post-index-change reference-transaction post-checkout; do printf '#!/bin/sh\ntouch ` + mark + `\n' > hooks/$hook; chmod +x hooks/$hook; done
			echo '* diff=x filter=x' > .gitattributes`, strings.Repeat("a:1 secret-access-key blob true\n", 2)},
		"replaced objects": {`
			echo "$SECRET" > a; git add a; git commit -qm first
			git replace $(git rev-parse HEAD:a) $(echo clean | git hash-object -w --stdin)`, "a:1 secret-access-key blob true"},
		"grafted history": {`
			echo "$SECRET" > a; git add a; git commit -qm first; git rm -q a; git commit -qm second --allow-empty
			git replace --graft HEAD`, "a:1 secret-access-key blob true"},
		"a shallow clone": {`
			git init -q ../up; cd ../up; echo "$SECRET" > a; git add a; git commit -qm first; echo b > b; git add b; git commit -qm second
			cd ../r; git fetch -q --depth 1 ../up HEAD; git reset -q --hard FETCH_HEAD`, "a:1 secret-access-key blob true"},
		"packed": {`
			for i in 1 2 3 4 5; do echo "$i $SECRET" > a; git add a; git commit -qm $i; done; git gc -q --prune=now
			echo more > b; git add b; git commit -qm more`, strings.Repeat("a:1 secret-access-key blob true\n", 5)},
		"merges": {`
			echo one > a; git add a; git commit -qm one; git checkout -qb other; echo two > a; git commit -qam two
			git checkout -q -; echo three > a; git commit -qam three; git merge -q other >/dev/null 2>&1 || true
			echo "$SECRET" > a; git add a; git commit -qm merged
			git checkout -qb third HEAD^; echo x > x; git add x; git commit -qm x; git merge -q -m again other -s ours
			echo "$KEY" > b; git stash -qu; git stash drop -q`, "a:1 secret-access-key blob true\nb:1 access-key-id blob false"},
		"other packs": {`
			git init -q ../alternate; cd ../alternate; echo "$SECRET" > a; git add a; git commit -qm first; cd ../r
			echo "$PWD/../alternate/.git/objects" > .git/objects/info/alternates`, "a:1 secret-access-key blob false"},
		"SHA-256": {`
			cd ..; rm -rf r; git init -q --object-format=sha256 r; cd r; echo "$SECRET" > a; git add a; git commit -qm first`, "a:1 secret-access-key blob true"},
		"a name with everything": {`
			printf '%s' "$SECRET" > "$(printf 'a b\n\t"\303\274')"; git add .; git commit -qm first; git rm -qrf .; git commit -qm second`, "a b\n\t\"ü:1 secret-access-key blob true"},
		"a large file": {`
			(head -c 3000000 /dev/zero | tr '\0' '\n'; echo "$SECRET") > a; git add a; git commit -qm first`, "a:3000001 secret-access-key blob true"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t, c.script)
			os.Remove(mark)
			s := New(testSecrets())
			r, err := s.Search(context.Background(), Options{Paths: []string{dir}, Git: git})
			if err != nil || len(r.Problems) > 0 {
				t.Fatalf("%v, %v", err, r.Problems)
			}
			if _, err := s.Staged(context.Background(), dir, git); err != nil {
				t.Error(err)
			}
			if got := strings.Join(inGit(r), "\n"); got != strings.TrimSuffix(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if _, err := os.Stat(mark); err == nil {
				t.Error("a program of the repository's has run")
			}
		})
	}
}

// The objects of a repository that git cannot read were not searched, and that is said.
func TestDamagedRepository(t *testing.T) {
	git := needGit(t)
	const commits = `echo "$SECRET" > a; git add a; git commit -qm first; git rm -q a; git commit -qm second --allow-empty; `
	const bare = commits + `git clone -q --bare . ../bare.git; cd ../bare.git; rm -rf ../r; `
	for i, damage := range []string{
		commits + "rm .git/HEAD", commits + ": > .git/HEAD", commits + "rm -r .git/refs", commits + "echo x > .git/HEAD",
		commits + "rm -r .git/HEAD .git/refs", commits + "echo '[' > .git/config",
		bare + "rm HEAD", bare + "rm -r refs", bare + "echo x > HEAD", bare + "rm -r HEAD refs", bare + "mv ../bare.git ../bare; rm -r ../bare/refs",
		// Of plain files, too, those that look like objects are not searched.
		`rm -r .git; mkdir -p p/refs p/objects; echo x > p/HEAD; echo "$SECRET" > p/objects/plain`,
		// What .git leads to is not there, or not a repository.
		"mv .git ../moved; echo 'gitdir: ../gone' > .git", "mv .git ../moved; ln -s ../gone .git", "mv .git ../moved; ln -s /etc .git",
		commits + "mv .git moved; ln -s moved .git; rm moved/HEAD",
		// Objects that git does not look at.
		commits + "git init -q ../up; git -C ../up commit -q --allow-empty -m x; echo $PWD/../up/.git > .git/commondir",
		commits + "git config core.repositoryFormatVersion 1; git config extensions.objectFormat sha256",
		commits + "git gc -q; git config core.repositoryFormatVersion 1; git config extensions.objectFormat sha256",
		commits + "git config core.repositoryFormatVersion 99",
		"rm -r .git; mkdir .git; echo ref: refs/heads/main > .git/HEAD; echo ../gone > .git/commondir",
	} {
		places := map[string]string{"alone": "", "in another one": "git init -q vendor/r; cd vendor/r; "}
		if i == 0 {
			places["with a colon"] = "git init -q a:b/r; cd a:b/r; "
			places["in a bare one"] = "git init -q --bare ../outer.git; mkdir ../outer.git/x; cd ../outer.git/x; git init -q r; cd r; "
			places["behind a link"] = "mkdir ../real; ln -s ../real linked; git init -q linked/r; cd linked/r; "
		}
		for where, inside := range places {
			dir := filepath.Dir(repository(t, inside+damage))
			r, err := New(testSecrets()).Search(context.Background(), Options{Paths: []string{dir}, Git: git})
			if err != nil || len(r.Problems) == 0 {
				t.Errorf("%s, %s: %v, %v", where, damage, err, r.Findings)
			}
		}
	}
}

// A part of the objects is passed over: git lists the others and ends well. What is found in
// those is reported all the same.
func TestPartlyDamagedRepository(t *testing.T) {
	git := needGit(t)
	const packed = `echo one > a; git add a; git commit -qm first; git repack -adq; echo "$SECRET" > b; git add b; git commit -qm second
		cd .git/objects/pack; chmod u+w *; pack=$(echo *.pack); idx=$(echo *.idx); `
	const loose = packed + `cd ..; file=$(git rev-parse HEAD | sed 's,^..,&/,'); chmod u+w $file; `
	const borrow = "git init -q ../up; cd ../up; " + packed + `cd ../../../../r; echo "$SECRET" > b; git add b; git commit -qm third; echo "$PWD/../up/.git/objects" > .git/objects/info/alternates; cd ../up/.git/objects/pack; `
	for _, damage := range []string{
		packed + "rm *.idx", packed + ": > $idx", packed + "echo garbage > $idx", packed + "head -c 1100 $idx > x; mv x $idx",
		packed + "rm *.pack", packed + "mv $pack ../../x; ln -s ../../gone $pack", packed + "rm $idx; ln -s ../../gone $idx",
		packed + "git multi-pack-index write; rm *.idx", packed + "rm *.idx; touch x.keep x.promisor",
		loose + ": > $file", loose + "echo garbage > $file", loose + "head -c 18 $file > x; mv x $file",
		packed + "cd ..; mkdir -p ab; touch ab/" + strings.Repeat("c", 62),
		packed + "cd ..; mkdir -p ab; echo garbage > ab/" + strings.Repeat("c", 38),
		packed + "cd ..; echo /nonexistent > info/alternates",
		borrow + "rm *.idx", borrow + "rm *.pack",
		strings.ReplaceAll(borrow, "../up", `"../u\"p ü"`) + "rm *.idx",
		borrow + "cd ../../../../r; echo ../../../up/.git/objects > .git/objects/info/alternates; rm ../up/.git/objects/pack/*.idx",
	} {
		dir := repository(t, damage)
		for want, secrets := range []Secrets{{}, testSecrets()} {
			r, err := New(secrets).Search(context.Background(), Options{Paths: []string{dir}, Git: git})
			if err != nil || len(r.Problems) != 1 || len(inGit(r)) != want {
				t.Errorf("%s: %v, %v, %q", damage, err, r.Problems, inGit(r))
			}
		}
	}
}

// What git leaves beside packs and objects is not reported.
func TestSoundRepository(t *testing.T) {
	git := needGit(t)
	const packed = `echo "$SECRET" > a; git add a; git commit -qm first; git repack -adq; echo one > b; git add b; git commit -qm second; `
	for _, script := range []string{
		packed + "git repack -dq; git multi-pack-index write",
		packed + "git multi-pack-index write; git repack -adq",
		packed + "git repack -adbq; git config pack.writeReverseIndex true; git repack -dq; cd .git/objects/pack; for p in *.pack; do touch ${p%.pack}.keep ${p%.pack}.promisor; done",
		packed + "git reset -q --hard HEAD^; git reflog expire --expire=all --all; git repack -dq --cruft --cruft-expiration=never; git -c core.commitGraph=true commit-graph write",
		packed + "cd .git/objects; touch pack/tmp_pack_1 pack/tmp_idx_1 pack/pack-" + strings.Repeat("a", 40) + ".keep pack/pack-" + strings.Repeat("a", 40) + ".rev; mkdir -p ab; touch ab/tmp_obj_1 ab/other",
		packed + "git worktree add -q ../linked HEAD; cd ../linked; echo three > c; git add c; git commit -qm third",
		"git init -q ../up; cd ../up; " + packed + "cd ..; rm -r r; git clone -q --shared up r",
		"git init -q ../up; cd ../up; " + packed + "cd ..; rm -r r; git init -q m; git clone -q --shared up m/x; git clone -q --shared m/x r",
	} {
		r, err := New(testSecrets()).Search(context.Background(), Options{Paths: []string{repository(t, script)}, Git: git})
		if got := inGit(r); err != nil || len(r.Problems) > 0 || len(got) != 1 {
			t.Errorf("%s: %q, %v, %v", script, got, err, r.Problems)
		}
	}
}

// Files among the objects of a repository are searched, unless git reads them.
func TestFilesAmongObjects(t *testing.T) {
	git := needGit(t)
	hex := strings.Repeat("ab", 19)
	files := []string{
		"plain", "ab/plain", "ab/dir/plain", "pack/pack-1.keep", "other/plain", "info/plain", hex,
		"pack/notes.pack", "pack/x.idx", "pack/x.rev", "pack/pack-1.pack", "pack/pack-" + hex + "ab.rev", "pack/pack-" + hex + "ab.keep", "pack/" + hex, "pack/multi-pack-index.old",
		"ab/keys.pack", "ab/keys.idx", "ab/pack-" + hex + "ab.pack", "ab/multi-pack-index", "ab/" + hex + "ab",
	}
	dir := repository(t, `echo one > a; git add a; git commit -qm first; git gc -q; echo two > a; git commit -qam second; cd .git/objects
		mkdir -p ab/dir other; for file in `+strings.Join(files, " ")+`; do echo "$SECRET" > $file; done`)
	r, err := New(testSecrets()).Search(context.Background(), Options{Paths: []string{dir}, Git: git})
	if err != nil || len(r.Problems) > 0 {
		t.Fatal(err, r.Problems)
	}
	if len(r.Findings) != len(files) {
		t.Errorf("%d of %d: %+v", len(r.Findings), len(files), r.Findings)
	}
}

// A repository is searched though its .git is a link, or has links in it, as those of
// git-new-workdir and of Android's repo. It runs nothing, and nothing in it is changed.
func TestLinkedRepository(t *testing.T) {
	git := needGit(t)
	mark := filepath.Join(t.TempDir(), "ran")
	const commits = `echo "$SECRET" > a; git add a; git commit -qm first; git rm -q a; git commit -qm second --allow-empty; mkdir ../../../away; away=$(cd ../../../away; pwd); `
	for _, link := range []string{
		"mv .git $away/g; ln -s ../../../away/g .git",
		"mv .git/objects $away/; ln -s $away/objects .git/objects",
		"mv .git/refs .git/objects .git/config $away/; ln -s $away/refs $away/objects $away/config .git/",
		"b=$(git branch --show-current); mv .git ../bare; cd ../bare; mv refs objects config $away/; ln -s $away/refs $away/objects $away/config .; ln -sf refs/heads/$b HEAD",
		"mv .git $away/g; echo gitdir: $away/g > $away/file; ln -s $away/file .git",
		"mv .git $away/g; mkdir .git; cp $away/g/HEAD .git; echo $away/g > .git/commondir",
	} {
		for _, run := range []string{"", "git config core.fsmonitor 'touch " + mark + "'; git config core.hooksPath /; git config core.alternateRefsCommand 'touch " + mark + "'; "} {
			dir := repository(t, "git init -q vendor/x; cd vendor/x; "+commits+run+link)
			files := func() string {
				out, err := exec.Command("/bin/sh", "-c", "cd "+filepath.Dir(dir)+"; find . -exec ls -ld --time-style=full-iso {} + | sort").CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				return string(out)
			}
			before := files()
			r, err := New(testSecrets()).Search(context.Background(), Options{Paths: []string{dir}, Git: git})
			if got := strings.Join(inGit(r), "\n"); err != nil || len(r.Problems) > 0 || got != "a:1 secret-access-key blob true" {
				t.Errorf("%s: %q, %v, %v", link, got, err, r.Problems)
			}
			if after := files(); after != before {
				t.Errorf("%s:\n%s\nhas become\n%s", link, before, after)
			}
			if _, err := os.Stat(mark); err == nil {
				t.Fatalf("%s: a program of the repository's has run", link)
			}
		}
	}
}

// A partial clone lacks objects, and the search fetches none.
func TestPartialClone(t *testing.T) {
	git := needGit(t)
	dir := repository(t, `
		git init -q ../up; cd ../up; git config uploadpack.allowFilter true
		mkdir d; echo "$SECRET" > d/a; git add d; git commit -qm first; git rm -qr d; echo "$KEY" > b; git add b; git commit -qm second
		cd ..; rm -rf r; git clone -q --filter=tree:0 file://$PWD/up r`)
	count := func() string {
		cmd := exec.Command("git", "-C", dir, "count-objects", "-v")
		cmd.Env = gitEnviron()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	before := count()
	r, err := New(testSecrets()).Search(context.Background(), Options{Paths: []string{dir}, Git: git})
	if err != nil {
		t.Fatal(err)
	}
	if after := count(); after != before {
		t.Errorf("objects were fetched:\n%s\n%s", before, after)
	}
	// What is here is found, though the commits cannot all be compared.
	if got := inGit(r); len(got) != 1 || !strings.Contains(got[0], "access-key-id blob") {
		t.Errorf("%q, %v", got, r.Problems)
	}
}

// Search ends when the user gives up, and says so.
func TestGivenUp(t *testing.T) {
	git := needGit(t)
	dir := repository(t, `echo "$SECRET" > a; git add a; git commit -qm first`)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := New(testSecrets()).Search(ctx, Options{Paths: []string{dir}, Git: git})
	if err == nil || len(r.Findings) > 0 {
		t.Errorf("%v, %v", err, r.Findings)
	}
}
