# PowerShell: fob completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName fob, fob.exe -ScriptBlock {
    param($word, $line, $cursor)
    $before = @($line.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.ToString().Trim("'`"") })
    # Without an answer PowerShell completes the names of files: for :files and :command.
    & $line.CommandElements[0].ToString() __complete "=$word" $before 2>$null | Where-Object { $_ -match "`t" } | ForEach-Object {
        $candidate, $about = $_ -split "`t", 2
        $text = $candidate
        if ($text -match "[^\w@%+=:,./-]") { $text = "'" + $text.Replace("'", "''") + "'" }
        if (-not $about) { $about = $candidate }
        [System.Management.Automation.CompletionResult]::new($text, $candidate, 'ParameterValue', $about)
    }
}
